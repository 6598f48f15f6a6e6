"""Addresses of hosts: both ends take the same ones, and one that cannot be listened on says why."""

from __future__ import annotations

import errno
import socket
import time
from typing import Any

import pytest
from latentwire import errors
from latentwire.exchange import connect
from latentwire.exchange.address import check_can_listen, parse_address
from latentwire.exchange.client import MAX_TIMEOUT

WRONG = [
    "", "nonsense", "localhost", "127.0.0.1:", ":50951", "127.0.0.1:x", "127.0.0.1:99999",
    "127.0.0.1:-1", "127.0.0.1:\u0665\u0660", "127.0.0.1:" + "9" * 5000, "::1:50051", "[x]:50051",
    "http://127.0.0.1:50051", "two words:50051",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:50051", "127.0.0.1", 50051),
        ("localhost:1", "localhost", 1),
        ("[::1]:65535", "[::1]", 65535),
    ],
)
def test_an_address_is_taken_apart(text: str, host: str, port: int) -> None:
    assert parse_address(text) == (host, port)


def test_only_listeners_take_port_0() -> None:
    assert parse_address("127.0.0.1:0", allow_free_port=True).port == 0
    with pytest.raises(errors.UsageError, match="from 1 to 65535"):
        parse_address("127.0.0.1:0")


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:24])
def test_both_ends_refuse_what_is_no_address_at_once(text: str) -> None:
    started = time.monotonic()
    for use in (connect, check_can_listen):
        with pytest.raises(errors.UsageError, match="expected address:port"):
            use(text)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf"), MAX_TIMEOUT * 2])
def test_a_timeout_within_which_nobody_answers_is_refused(timeout: float) -> None:
    with pytest.raises(errors.UsageError, match="timeout must be"):
        connect("127.0.0.1:9", timeout=timeout)


def test_a_free_port_stays_free() -> None:
    check_can_listen("127.0.0.1:0")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for _ in range(2):
        assert check_can_listen(f"127.0.0.1:{port}") == ("127.0.0.1", port)


@pytest.mark.parametrize("option", [None, "SO_REUSEADDR", "SO_REUSEPORT"])
def test_a_port_on_which_somebody_listens_is_taken(option: str | None) -> None:
    if option is not None and not hasattr(socket, option):
        pytest.skip(f"this system has no {option}")
    with socket.socket() as server:
        if option is not None:
            server.setsockopt(socket.SOL_SOCKET, getattr(socket, option), 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(errors.PortInUseError, match=f"{address}: the port is taken"):
            check_can_listen(address)


def test_a_port_whose_last_connection_winds_down_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        client = socket.create_connection(address)
        accepted, _ = server.accept()
        accepted.close()  # who closes first is left in TIME_WAIT
        client.close()
    with socket.socket() as plain, pytest.raises(OSError, match="in use"):
        plain.bind(address)
    check_can_listen(f"127.0.0.1:{address[1]}")


def test_an_address_of_another_machine_is_said_to_be_one() -> None:
    with pytest.raises(errors.PortInUseError, match="not of this machine"):
        check_can_listen("192.0.2.1:50951")  # an address that only examples have


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b", "x" * 70])
def test_a_name_without_an_address_is_refused(name: str) -> None:
    with pytest.raises(errors.PortInUseError, match="no address is known"):
        check_can_listen(f"{name}:50951")


class _Refusing(socket.socket):
    """A socket of a system that keeps the port, or has no such address of version 6."""

    reasons: dict[int, int] = {}  # noqa: RUF012 - set by each test

    def bind(self, place: Any) -> None:
        if self.family in self.reasons:
            raise OSError(self.reasons[self.family], "refused")
        super().bind(place)


def test_a_port_that_needs_rights_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Refusing, "reasons", {socket.AF_INET: errno.EACCES})
    monkeypatch.setattr(socket, "socket", _Refusing)
    with pytest.raises(errors.PortInUseError, match="kept for administrators") as caught:
        check_can_listen("127.0.0.1:80")
    assert "1023" in str(caught.value.hint)


@pytest.mark.parametrize("reason", [errno.EADDRNOTAVAIL, errno.EADDRINUSE])
def test_a_name_of_two_addresses(reason: int, monkeypatch: pytest.MonkeyPatch) -> None:
    both = [
        (family, socket.SOCK_STREAM, 6, "", (place, 0))
        for family, place in ((socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.1"))
    ]
    monkeypatch.setattr(_Refusing, "reasons", {socket.AF_INET6: reason})
    monkeypatch.setattr(socket, "socket", _Refusing)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    if reason == errno.EADDRNOTAVAIL:  # one that this machine has is enough
        check_can_listen("localhost:0")
    else:
        with pytest.raises(errors.PortInUseError, match="taken"):
            check_can_listen("localhost:0")

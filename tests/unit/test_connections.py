"""A client's end of a connection: what it refuses by itself, and why nobody answers."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from latentwire import errors
from latentwire.exchange import Host, ask_jointly, connect
from latentwire.exchange import address as address_module
from latentwire.exchange.address import parse_address, why_nobody_answers
from latentwire.exchange.status import from_call

PLACE = "127.0.0.1:9"
CHOICES = ["negative", "positive"]


@pytest.fixture
def host() -> Iterator[Host]:
    """A host whom nobody has called yet: a channel connects at its first call."""
    with Host(PLACE, grpc.insecure_channel(PLACE), 1.0) as connection:
        yield connection


# -- closed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "use",
    [
        lambda host: host.describe(),
        lambda host: host.encode("a"),
        lambda host: host.ask(b"", choices=CHOICES),
        lambda host: host.generate_text("a"),
        lambda host: host.__enter__(),
        lambda host: ask_jointly([host, host], b"", choices=CHOICES),
    ],
)
def test_a_closed_connection_says_so(host: Host, use: Callable[[Host], Any]) -> None:
    assert repr(host) == "<Host 127.0.0.1:9>"
    host.close()
    with pytest.raises(errors.UsageError, match=f"the connection to {PLACE} is closed") as caught:
        use(host)
    assert caught.value.hint == "connect again: lw.connect(...)"
    assert repr(host) == "<Host 127.0.0.1:9, closed>"


def test_a_connection_that_closes_under_a_call_says_so(host: Host) -> None:
    def call(*_: object, **__: object) -> None:
        host.close()
        raise ValueError("Cannot invoke RPC on closed channel!")

    with pytest.raises(errors.UsageError, match="is closed"):
        host._call(call, None)


# -- types and ranges ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda host: host.ask("a text", choices=CHOICES), "expected a packet or its bytes"),
        (lambda host: host.ask(5, choices=CHOICES), "expected a packet or its bytes, found int"),
        (lambda host: host.generate(None), "expected a packet or its bytes, found NoneType"),
        (lambda host: host.ask_nothing(choices=CHOICES, question=5), "expected a question as a te"),
        (lambda host: host.encode("a", k="3"), "k must be a whole number, not str"),
        (lambda host: host.encode("a", k=True), "k must be a whole number, not bool"),
        (lambda host: host.encode("a", k=0), "k must be at least 1, not 0"),
        (lambda host: host.encode("a", k=-1), "k must be at least 1, not -1"),
        (lambda host: host.encode("a", k=2**40), "k must be at most 4,294,967,295"),
        (lambda host: host.encode("a", compression="entropy"), "needs tables, and a host has none"),
        (
            lambda host: host.generate_text("a", max_new_tokens=0),
            "max_new_tokens must be at least 1, not 0",
        ),
        (
            lambda host: host.generate(b"", max_new_tokens=513),
            "max_new_tokens must be at most 512, not 513",
        ),
    ],
)
def test_what_no_request_can_say_is_refused(
    host: Host, use: Callable[[Host], Any], words: str
) -> None:
    with pytest.raises(errors.UsageError, match=re.escape(words)):
        use(host)


def test_texts_are_pointed_to_their_own_verbs(host: Host) -> None:
    for verb, other in ((host.ask, "ask_text"), (host.generate, "generate_text")):
        more: dict[str, Any] = {"choices": CHOICES} if other == "ask_text" else {}
        with pytest.raises(errors.UsageError) as caught:
            verb("a text", **more)  # type: ignore[operator]
        assert other in str(caught.value.hint)


@pytest.mark.parametrize("address", [50051, None, b"127.0.0.1:9"])
def test_an_address_is_a_text(address: Any) -> None:
    for use in (connect, parse_address):
        with pytest.raises(errors.UsageError, match="expected address:port as a text, found"):
            use(address)


@pytest.mark.parametrize("name", ["timeout", "connect_timeout"])
@pytest.mark.parametrize("seconds", ["5", None, True, 0, -1, float("nan")])
def test_a_timeout_is_a_number_above_0(name: str, seconds: Any) -> None:
    with pytest.raises(errors.UsageError, match=f"^{name} must be "):
        connect(PLACE, **{name: seconds})


# -- nobody answers --------------------------------------------------------------------------------


def unreachable(address: str) -> errors.HostUnreachableError:
    with pytest.raises(errors.HostUnreachableError, match=re.escape(address)) as caught:
        connect(address, connect_timeout=0.2)
    return caught.value


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    error = unreachable(address)
    assert "nobody listens there" in str(error)
    assert error.hint == f"start one there with: latentwire host --model NAME --listen {address}"


def test_something_else_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        error = unreachable(f"127.0.0.1:{server.getsockname()[1]}")
    assert "something listens there, but does not speak gRPC" in str(error)
    assert "latentwire host" not in str(error.hint)


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    error = unreachable("no-such-host.invalid:50051")
    assert "no address is known for 'no-such-host.invalid'" in str(error)
    assert "latentwire host" not in str(error.hint)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([TimeoutError("timed out")], "the machine cannot be reached: no reply"),
        ([OSError(errno.EHOSTUNREACH, "No route to host")], "reached: No route to host"),
        # Of the two addresses of a name, the system may have no way to one.
        ([OSError(errno.EADDRNOTAVAIL, "no"), ConnectionRefusedError()], "nobody listens there"),
        ([ConnectionRefusedError(), None], "something listens there"),
    ],
)
def test_machines_that_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch, answers: list[OSError | None], words: str
) -> None:
    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 9))] * len(answers)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
    left = iter(answers)
    monkeypatch.setattr(address_module, "_call", lambda *_: next(left))
    reason, hint = why_nobody_answers("192.0.2.1:9")
    assert words in reason
    assert ("latentwire host" in hint) == ("nobody listens" in words)


def test_a_host_that_is_gone_is_not_told_which_model_to_be() -> None:
    class Gone(grpc.RpcError):  # type: ignore[misc]
        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.UNAVAILABLE

        def details(self) -> str:
            return "words"

        def trailing_metadata(self) -> tuple[()]:
            return ()

    error = from_call(Gone(), PLACE)
    assert isinstance(error, errors.HostUnreachableError)
    assert "tiny-qwen" not in str(error.hint)

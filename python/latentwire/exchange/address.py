"""Addresses of hosts, for both ends: how one is written, and whether a host can listen on it."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from typing import Any, NamedTuple

from latentwire.errors import PortInUseError, UsageError

MAX_PORT = 65535
_PATIENCE = 2.0
"""Seconds to look for the reason why nobody answers, over all addresses of a name."""
_OTHER_PORT = "give another port, or port 0 for a free one"
_REASONS = {
    errno.EADDRINUSE: ("the port is taken", _OTHER_PORT),
    errno.EADDRNOTAVAIL: (
        "the address is not of this machine",
        "give one of this machine's own, e.g. 127.0.0.1, or 0.0.0.0 for all of them",
    ),
    errno.EACCES: (
        "this port is kept for administrators",
        "give a port above 1023, or port 0 for a free one",
    ),
}
"""Why the system refuses an address, and what to do about it."""


class Address(NamedTuple):
    """Where a host is.

    Attributes:
        host: A name or an IP address; one of version 6 is in brackets.
        port: 0 to 65,535.
    """

    host: str
    port: int


def parse_address(text: str, *, allow_free_port: bool = False) -> Address:
    """Take an address apart.

    Args:
        text: ``address:port``, e.g. ``127.0.0.1:50051``, ``localhost:50051`` or ``[::1]:50051``.
        allow_free_port: Take port 0, with which the system chooses a free one.

    Raises:
        UsageError: If it is no text, has another form, or the port is out of range.
    """
    if not isinstance(text, str):
        raise UsageError(
            f"expected address:port as a text, found {type(text).__name__}",
            hint="e.g. 127.0.0.1:50051",
        )
    host, _, port = text.rpartition(":")
    if not _is_host(host):
        raise UsageError(f"expected address:port, found {text!r}", hint="e.g. 127.0.0.1:50051")
    least = 0 if allow_free_port else 1
    is_number = port.isascii() and port.isdecimal() and len(port) <= len(str(MAX_PORT))
    if not is_number or not least <= int(port) <= MAX_PORT:
        raise UsageError(
            f"expected address:port with a port from {least} to {MAX_PORT}, found {text!r}",
            hint="e.g. 127.0.0.1:50051",
        )
    return Address(host, int(port))


def _is_host(host: str) -> bool:
    """Whether this can be a name or an IP address; who has the name is not asked."""
    if host.startswith("[") and host.endswith("]"):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return False
        return True
    # A colon or a slash would be an IPv6 address without brackets, or a URL.
    return host.isprintable() and bool(host) and not set(host) & set(" :/[]")


def check_can_listen(listen: str) -> Address:
    """Try whether a host could listen there, and let go of it again.

    It costs nothing, so it comes before models are loaded; and the system's reason is exact, where
    gRPC only logs one. Another process may still take the port before the host does.

    Raises:
        UsageError: If it is no address.
        PortInUseError: If the port is taken, the address is not of this machine, or may not be
            used. The text says which.
    """
    address = parse_address(listen, allow_free_port=True)
    try:
        places = socket.getaddrinfo(address.host.strip("[]"), address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: a name of a form that none has
        raise PortInUseError(
            f"cannot listen on {listen}: no address is known for {address.host!r}",
            hint=_REASONS[errno.EADDRNOTAVAIL][1],
        ) from error
    answers = [_bind(place[0], place[4]) for place in places]
    refused = [answer for answer in answers if answer is not None]
    taken = [answer for answer in refused if answer.errno == errno.EADDRINUSE]
    # A name may stand for several addresses, some of which this machine lacks: one is enough. But
    # where one is taken, callers by that name would reach either host.
    if taken or len(refused) == len(places):
        cause = (taken or refused)[0]
        reason, hint = _REASONS.get(cause.errno or 0, (cause.strerror or str(cause), _OTHER_PORT))
        raise PortInUseError(f"cannot listen on {listen}: {reason}", hint=hint) from cause
    return address


def _bind(family: int, place: Any) -> OSError | None:
    """Bind a socket as gRPC would, and close it; what the system answered if it refused."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # With it a port on which connections are still winding down is free, as it is to gRPC,
            # and one on which somebody listens is not. On Windows it would also take the latter.
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        return error
    return None


def why_nobody_answers(text: str) -> tuple[str, str]:
    """Why no host answers at an address, and what to do about it.

    gRPC only says that the time is over. To be asked once it is, as a name may become known and a
    host be started in the meantime.
    """
    address = parse_address(text)
    name = address.host.strip("[]")
    try:
        places = socket.getaddrinfo(name, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: a name of a form that none has
        return f"no address is known for {name!r}", "check the name, or give an IP address"
    answers = [_call(place[0], place[4], _PATIENCE / len(places)) for place in places]
    if None in answers:
        return (
            "something listens there, but does not speak gRPC as a host does",
            "is it the port of another program? a host says its address when it is ready",
        )
    # A name may stand for several addresses, some of which nobody can reach from here.
    if any(isinstance(answer, ConnectionRefusedError) for answer in answers):
        return (
            "nobody listens there",
            f"start one there with: latentwire host --model NAME --listen {text}",
        )
    cause = answers[0]
    reason = "no reply" if isinstance(cause, TimeoutError) else getattr(cause, "strerror", None)
    return (
        f"the machine cannot be reached: {reason or cause}",
        "check the address, and the network and firewalls on the way",
    )


def _call(family: int, place: Any, patience: float) -> OSError | None:
    """Connect and hang up; what the system answered if it did not connect."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(patience)
            probe.connect(place)
    except OSError as error:
        return error
    return None

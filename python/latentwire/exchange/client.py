"""The client side of the exchange: one connected host, and questions to several at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from numbers import Real
from types import TracebackType
from typing import Any

import grpc

from latentwire.answer import Answer, check_choices
from latentwire.counts import as_int
from latentwire.errors import HostUnreachableError, RemoteError, UsageError
from latentwire.exchange.address import parse_address, why_nobody_answers
from latentwire.exchange.gen import exchange_pb2 as pb
from latentwire.exchange.gen.exchange_pb2_grpc import ExchangeStub
from latentwire.exchange.limits import CHANNEL_OPTIONS, MAX_NEW_TOKENS
from latentwire.exchange.status import from_call
from latentwire.message import Compression, Encoding, Packet, SpaceRef, packet_bytes
from latentwire.text import check_question, check_text

_MAX_UINT32 = 2**32 - 1
MAX_TIMEOUT = 86_400.0
"""The most seconds that a call may take: a day. gRPC takes very large ones for times long past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDescription:
    """What a host says of itself.

    Attributes:
        model: Name of its frozen model.
        sends: Whether it encodes texts.
        receives: Whether it answers.
        space: The latent space that it speaks.
        num_latents: The most latents of a message.
        package_version: Version of its latentwire package.
        format_version: Packet format that it writes.
        adapter_fingerprint: What a packet names that is meant for this receiver; empty if it has
            none.
    """

    model: str
    sends: bool
    receives: bool
    space: SpaceRef
    num_latents: int
    package_version: str
    format_version: str
    adapter_fingerprint: bytes


class Host:
    """A connection to a host. Use it as a context manager, or close it.

    Every verb raises the error that the host raised, as the same class; ``HostUnreachableError`` if
    it is gone; ``RemoteError`` if it did not answer in time or failed otherwise; ``UsageError`` if
    the connection is closed.
    """

    def __init__(self, address: str, channel: grpc.Channel, timeout: float) -> None:
        self.address = address
        self._channel = channel
        self._timeout = timeout
        self._service: Any = ExchangeStub(channel)
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<Host {self.address}{', closed' if self._is_closed else ''}>"

    def describe(self) -> HostDescription:
        """Who is there."""
        found = self._call(self._service.Describe, pb.DescribeRequest())
        return HostDescription(
            model=found.model,
            sends=bool(found.encoder_fingerprint),
            receives=bool(found.adapter_fingerprint),
            space=SpaceRef(name=found.space.name, fingerprint=found.space.fingerprint),
            num_latents=found.space.num_latents,
            package_version=found.package_version,
            format_version=found.format_version,
            adapter_fingerprint=found.adapter_fingerprint,
        )

    def encode(
        self,
        text: str,
        *,
        k: int | None = None,
        encoding: Encoding = "int8",
        compression: Compression = "none",
    ) -> Packet:
        """Have the host's sender encode a text; see ``Sender.encode``.

        Raises:
            UsageError: Also for the entropy stage: a call carries no tables.
        """
        check_text(text)
        if k is not None:
            _check_count("k", k, _MAX_UINT32)
        if compression == "entropy":
            raise UsageError(
                "the entropy stage needs tables, and a host has none",
                hint="take 'zstd' or 'auto', or encode with a Sender and resources of your own",
            )
        request = pb.EncodeRequest(
            text=text, num_latents=k or 0, encoding=encoding, compression=compression
        )
        return Packet.from_bytes(self._call(self._service.Encode, request).packet)

    def ask(
        self, packet: Packet | bytes, *, choices: Sequence[str], question: str | None = None
    ) -> Answer:
        """Ask a closed question about a message; see ``Receiver.ask``."""
        return self._ask(pb.Source(packet=packet_bytes(packet)), choices, question)

    def ask_text(self, text: str, *, choices: Sequence[str], question: str | None = None) -> Answer:
        """Ask a closed question about a text that the receiver reads itself."""
        check_text(text)
        return self._ask(pb.Source(text=text), choices, question)

    def ask_nothing(self, *, choices: Sequence[str], question: str | None = None) -> Answer:
        """Ask a closed question about nothing: the control."""
        return self._ask(pb.Source(nothing=pb.Nothing()), choices, question)

    def generate(
        self, packet: Packet | bytes, *, question: str | None = None, max_new_tokens: int = 32
    ) -> str:
        """Have the receiver write an answer to a question about a message."""
        source = pb.Source(packet=packet_bytes(packet))
        return self._generate(source, question, max_new_tokens)

    def generate_text(
        self, text: str, *, question: str | None = None, max_new_tokens: int = 32
    ) -> str:
        """Have the host's model write after a text that it reads itself."""
        check_text(text)
        return self._generate(pb.Source(text=text), question, max_new_tokens)

    def close(self) -> None:
        """Close the connection; closing it again does nothing."""
        self._is_closed = True
        self._channel.close()

    def __enter__(self) -> Host:
        self._check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, source: pb.Source, choices: Sequence[str], question: str | None) -> Answer:
        check_choices(choices)
        check_question(question)
        request = pb.AskRequest(question=question or "", choices=choices, source=source)
        response = self._call(self._service.Ask, request)
        if len(response.log_probabilities) != len(choices):
            raise RemoteError(
                f"the host at {self.address} scored {len(response.log_probabilities)} choices, "
                f"expected {len(choices)}"
            )
        return Answer(tuple(choices), tuple(response.log_probabilities))

    def _generate(self, source: pb.Source, question: str | None, max_new_tokens: int) -> str:
        check_new_tokens(max_new_tokens)
        check_question(question)
        request = pb.GenerateRequest(
            question=question or "", max_new_tokens=max_new_tokens, source=source
        )
        text: str = self._call(self._service.Generate, request).text
        return text

    def _call(self, method: Callable[..., Any], request: Any) -> Any:
        self._check_open()
        try:
            return method(request, timeout=self._timeout)
        except (grpc.RpcError, ValueError) as error:
            self._check_open()  # another thread may close it under a call
            if isinstance(error, ValueError):
                raise
            raise from_call(error, self.address) from error

    def _check_open(self) -> None:
        """Refuse to use a connection that is closed, which gRPC calls an invalid value."""
        if self._is_closed:
            raise UsageError(
                f"the connection to {self.address} is closed", hint="connect again: lw.connect(...)"
            )


def _check_count(name: str, count: Any, most: int) -> None:
    """Refuse what the request cannot carry: 0 stands for the host's default there."""
    number = as_int(count)
    if number is None:
        raise UsageError(f"{name} must be a whole number, not {type(count).__name__}")
    if number < 1:
        raise UsageError(f"{name} must be at least 1, not {number:,}")
    if number > most:
        raise UsageError(f"{name} must be at most {most:,}, not {number:,}")


def check_new_tokens(count: Any) -> None:
    """Refuse to ask for a number of tokens that no host writes.

    Raises:
        UsageError: If it is not within 1..``MAX_NEW_TOKENS``.
    """
    _check_count("max_new_tokens", count, MAX_NEW_TOKENS)


def check_timeout(timeout: Any, name: str = "timeout") -> None:
    """Refuse a timeout within which no host could answer.

    Raises:
        UsageError: If it is not a number of seconds above 0 and at most ``MAX_TIMEOUT``.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, Real):
        raise UsageError(
            f"{name} must be a number of seconds, not {type(timeout).__name__}", hint="e.g. 30"
        )
    seconds = float(timeout)
    # Written so that NaN, which is neither, is refused too.
    if not 0 < seconds <= MAX_TIMEOUT:
        raise UsageError(
            f"{name} must be more than 0 and at most {MAX_TIMEOUT:,.0f} seconds, not {seconds:g}",
            hint="e.g. 30",
        )


def connect(address: str, *, timeout: float = 30.0, connect_timeout: float = 5.0) -> Host:
    """Connect to a host, trying again while it is not there yet.

    Args:
        address: ``address:port``.
        timeout: Seconds that a call may take: more than 0, at most ``MAX_TIMEOUT``.
        connect_timeout: Seconds to go on trying, of the same range.

    Raises:
        UsageError: If it is no address, or a timeout is out of range.
        HostUnreachableError: If nobody answers in time; the text says why.
    """
    parse_address(address)
    check_timeout(timeout)
    check_timeout(connect_timeout, "connect_timeout")
    options = (
        *CHANNEL_OPTIONS,
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.enable_http_proxy", 0),  # hosts are addressed directly
    )
    channel = grpc.insecure_channel(address, options=options)
    started = time.monotonic()
    try:
        grpc.channel_ready_future(channel).result(timeout=connect_timeout)
    except grpc.FutureTimeoutError:
        channel.close()
        tried = time.monotonic() - started
        reason, hint = why_nobody_answers(address)
        raise HostUnreachableError(
            f"no host answers at {address} (tried for {tried:.0f} s): {reason}", hint=hint
        ) from None
    return Host(address, channel, timeout)


def ask_jointly(
    hosts: Sequence[Host],
    packet: Packet | bytes,
    *,
    choices: Sequence[str],
    question: str | None = None,
) -> Answer:
    """Ask several receivers at once and multiply their probabilities.

    Raises:
        ChoicesError: If the choices cannot be scored.
        LatentwireError: What ``Host.ask`` raises, for the first host that fails.
    """
    check_choices(choices)
    if len(hosts) == 1:
        return hosts[0].ask(packet, choices=choices, question=question)
    with ThreadPoolExecutor(max(1, len(hosts))) as pool:
        calls = [
            pool.submit(host.ask, packet, choices=choices, question=question) for host in hosts
        ]
        return Answer.jointly([call.result() for call in calls])

"""The handlers of ``latentwire.v1.Exchange``: check, call, answer. No models, no packets inside."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

import grpc

from latentwire.errors import LatentwireError, UsageError
from latentwire.exchange.gen import exchange_pb2 as pb
from latentwire.exchange.gen.exchange_pb2_grpc import ExchangeServicer
from latentwire.exchange.limits import MAX_NEW_TOKENS
from latentwire.exchange.status import DETAIL_KEY, to_status
from latentwire.exchange.turns import Turns
from latentwire.message import FORMAT_VERSION, Compression, Encoding, __version__
from latentwire.receiver import Receiver
from latentwire.sender import Sender

logger = logging.getLogger(__name__)

DEFAULT_NEW_TOKENS = 32

_Response = TypeVar("_Response")


class ExchangeService(ExchangeServicer):  # type: ignore[misc] # generated, without types
    """Serves a sender, a receiver or both, one computation at a time; see ``Turns``."""

    def __init__(self, sender: Sender | None, receiver: Receiver | None) -> None:
        self.sender = sender
        self.receiver = receiver
        self._turns = Turns()

    def Describe(  # noqa: N802 - gRPC's naming
        self,
        request: pb.DescribeRequest,  # noqa: ARG002 - gRPC's signature
        context: grpc.ServicerContext,
    ) -> pb.DescribeResponse:
        """Who is there."""

        def describe() -> pb.DescribeResponse:
            part = self.sender or self.receiver
            assert part is not None
            return pb.DescribeResponse(
                model=part.name,
                package_version=__version__,
                format_version=".".join(map(str, FORMAT_VERSION)),
                space=pb.LatentSpace(
                    name=part.space.name,
                    fingerprint=part.space.fingerprint,
                    num_latents=part.manifest.num_latents,
                    latent_width=part.manifest.latent_width,
                ),
                encoder_fingerprint=self.sender.ref.fingerprint if self.sender else b"",
                adapter_fingerprint=self.receiver.ref.fingerprint if self.receiver else b"",
            )

        return _answer(context, describe)

    def Encode(  # noqa: N802
        self, request: pb.EncodeRequest, context: grpc.ServicerContext
    ) -> pb.EncodeResponse:
        """A text to a packet."""

        def encode() -> pb.EncodeResponse:
            with self._turns.turn(context):
                packet = self._sender().encode(
                    request.text,
                    k=request.num_latents or None,
                    encoding=cast(Encoding, request.encoding or "int8"),
                    compression=cast(Compression, request.compression or "none"),
                )
            return pb.EncodeResponse(packet=bytes(packet))

        return _answer(context, encode)

    def Ask(  # noqa: N802
        self, request: pb.AskRequest, context: grpc.ServicerContext
    ) -> pb.AskResponse:
        """A closed question about a packet, a text or nothing."""

        def ask() -> pb.AskResponse:
            receiver = self._receiver()
            asked: dict[str, Any] = {
                "question": request.question or None,
                "choices": list(request.choices),
            }
            source = request.source.WhichOneof("source")
            with self._turns.turn(context):
                if source == "packet":
                    answer = receiver.ask(request.source.packet, **asked)
                elif source == "text":
                    answer = receiver.ask_text(request.source.text, **asked)
                elif source == "nothing":
                    answer = receiver.ask_nothing(**asked)
                else:
                    raise UsageError("the request has no source: expected packet, text or nothing")
            return pb.AskResponse(log_probabilities=answer.log_probabilities)

        return _answer(context, ask)

    def Generate(  # noqa: N802
        self, request: pb.GenerateRequest, context: grpc.ServicerContext
    ) -> pb.GenerateResponse:
        """Text after a packet or a text."""

        def generate() -> pb.GenerateResponse:
            count = request.max_new_tokens or DEFAULT_NEW_TOKENS
            if count > MAX_NEW_TOKENS:
                raise UsageError(f"at most {MAX_NEW_TOKENS} new tokens are written, not {count}")
            asked: dict[str, Any] = {
                "question": request.question or None,
                "max_new_tokens": count,
            }
            source = request.source.WhichOneof("source")
            with self._turns.turn(context):
                if source == "packet":
                    text = self._receiver().generate(request.source.packet, **asked)
                elif source == "text" and self.receiver is not None:
                    text = self.receiver.generate_text(request.source.text, **asked)
                elif source == "text":
                    text = self._sender().generate(request.source.text, **asked)
                else:
                    raise UsageError("the request has no source: expected packet or text")
            return pb.GenerateResponse(text=text)

        return _answer(context, generate)

    def _sender(self) -> Sender:
        if self.sender is None:
            raise UsageError(
                "this host has no sender: it cannot encode", hint="start one with --role sender"
            )
        return self.sender

    def _receiver(self) -> Receiver:
        if self.receiver is None:
            raise UsageError(
                "this host has no receiver: it cannot answer", hint="start one with --role receiver"
            )
        return self.receiver


def _answer(context: grpc.ServicerContext, handle: Callable[[], _Response]) -> _Response:
    """Run a handler; what it raises on purpose becomes a status with its detail."""
    try:
        return handle()
    except LatentwireError as error:
        code, detail = to_status(error)
        context.set_trailing_metadata(((DETAIL_KEY, detail.SerializeToString()),))
        context.abort(code, detail.message)
        raise AssertionError("abort returned") from error
    except Exception:
        # The caller learns that it failed; what failed is for this host's log.
        logger.exception("a call failed")
        context.abort(grpc.StatusCode.INTERNAL, "internal error, see the host's log")
        raise

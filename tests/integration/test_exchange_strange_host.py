"""A client and a host that is not one of ours: whatever it answers ends in a typed error."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from latentwire import errors
from latentwire.exchange import Host, connect
from latentwire.exchange.gen import exchange_pb2 as pb
from latentwire.exchange.gen.exchange_pb2_grpc import (
    ExchangeServicer,
    add_ExchangeServicer_to_server,
)
from latentwire.exchange.status import DETAIL_KEY


class StrangeHost(ExchangeServicer):
    """Answers, but not as the protocol says."""

    def Encode(  # noqa: N802 - gRPC's naming
        self, request: pb.EncodeRequest, context: grpc.ServicerContext
    ) -> pb.EncodeResponse:
        return pb.EncodeResponse(packet=b"not a packet")

    def Ask(  # noqa: N802
        self, request: pb.AskRequest, context: grpc.ServicerContext
    ) -> pb.AskResponse:
        return pb.AskResponse(log_probabilities=[-0.5])

    def Generate(  # noqa: N802
        self, request: pb.GenerateRequest, context: grpc.ServicerContext
    ) -> pb.GenerateResponse:
        context.set_trailing_metadata(((DETAIL_KEY, b"\xff\xff not an ErrorDetail"),))
        context.abort(grpc.StatusCode.INTERNAL, "strange")
        raise AssertionError


@pytest.fixture
def host() -> Iterator[Host]:
    server = grpc.server(ThreadPoolExecutor(2))
    add_ExchangeServicer_to_server(StrangeHost(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with connect(f"127.0.0.1:{port}") as connection:
        yield connection
    server.stop(None).wait()


def test_bytes_that_are_no_packet(host: Host) -> None:
    with pytest.raises(errors.WireError):
        host.encode("a fine film")


def test_another_number_of_scores(host: Host) -> None:
    with pytest.raises(errors.RemoteError, match=r"127\.0\.0\.1:\d+ scored 1 choices, expected 2"):
        host.ask_nothing(choices=["negative", "positive"])


def test_a_detail_that_is_none(host: Host) -> None:
    with pytest.raises(errors.RemoteError, match="failed with INTERNAL: strange"):
        host.generate_text("a fine film")


def test_a_method_that_it_does_not_have(host: Host) -> None:
    with pytest.raises(errors.RemoteError, match="UNIMPLEMENTED"):
        host.describe()

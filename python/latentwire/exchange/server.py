"""A host: the service with health and reflection, on a port, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, TracebackType

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from latentwire.errors import PortInUseError, UsageError
from latentwire.exchange.address import check_can_listen
from latentwire.exchange.gen import exchange_pb2 as pb
from latentwire.exchange.gen.exchange_pb2_grpc import add_ExchangeServicer_to_server
from latentwire.exchange.limits import CHANNEL_OPTIONS, MAX_CALLS
from latentwire.exchange.service import ExchangeService
from latentwire.receiver import Receiver
from latentwire.sender import Sender

SERVICE_NAME: str = pb.DESCRIPTOR.services_by_name["Exchange"].full_name
GRACE_SECONDS = 5.0
"""How long calls under way may take when a host is stopped."""
_WORKERS = MAX_CALLS + 16
"""Threads: one for each call that computes or waits, and some for those that never wait."""


class RunningHost:
    """A host that is listening.

    Attributes:
        address: Where, with the real port.
    """

    def __init__(self, server: grpc.Server, status: health.HealthServicer, address: str) -> None:
        self.address = address
        self._server = server
        self._status = status

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Report NOT_SERVING, refuse new calls, give those under way ``grace`` seconds."""
        self._status.enter_graceful_shutdown()
        self._server.stop(grace).wait()

    def wait(self) -> None:
        """Serve until SIGTERM or SIGINT, then stop. Call it from the main thread."""
        asked = threading.Event()

        def ask(_signal: int, _frame: FrameType | None) -> None:
            asked.set()

        before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            asked.wait()
            self.stop()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def __enter__(self) -> RunningHost:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def create_server(
    sender: Sender | None, receiver: Receiver | None, listen: str = "127.0.0.1:50051"
) -> RunningHost:
    """Start a host.

    Args:
        sender: Encodes texts, or None.
        receiver: Answers, or None.
        listen: ``address:port``; port 0 takes a free one. There is no authentication: listen beyond
            loopback on trusted networks only.

    Raises:
        UsageError: If there is nothing to serve, or ``listen`` is no address.
        PortInUseError: See ``check_can_listen``.
    """
    if sender is None and receiver is None:
        raise UsageError("a host needs a sender, a receiver or both")
    # gRPC would log its own line and not say why.
    host, _ = check_can_listen(listen)
    server = grpc.server(
        ThreadPoolExecutor(_WORKERS, thread_name_prefix="exchange"),
        # Without this, a second host on the port would start and take half of the calls.
        options=(*CHANNEL_OPTIONS, ("grpc.so_reuseport", 0)),
    )
    add_ExchangeServicer_to_server(ExchangeService(sender, receiver), server)
    status = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    reflection.enable_server_reflection(
        (SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    try:
        bound = server.add_insecure_port(listen)
    except RuntimeError as error:
        bound = 0
        reason: Exception | None = error
    else:
        reason = None
    if bound == 0:
        raise PortInUseError(
            f"cannot listen on {listen}: another process took the port a moment ago",
            hint="give another port, or port 0 for a free one",
        ) from reason
    server.start()
    for name in ("", SERVICE_NAME):
        status.set(name, health_pb2.HealthCheckResponse.SERVING)
    return RunningHost(server, status, f"{host}:{bound}")

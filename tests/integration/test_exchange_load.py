"""A host with more callers than it can serve at once, and one that is told to stop meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from latentwire import errors
from latentwire.answer import Answer
from latentwire.exchange import RunningHost, connect, create_server
from latentwire.exchange.limits import MAX_CALLS
from latentwire.exchange.server import SERVICE_NAME
from latentwire.receiver import Receiver
from random_models import RandomModel

CHOICES = ["negative", "positive"]
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SECONDS = 30


class GatedReceiver(Receiver):
    """A receiver that computes only while its gate is open, and counts."""

    gate: threading.Event
    entered: threading.Event
    num_computed: int

    def ask_nothing(self, *, question: str | None = None, choices: Sequence[str]) -> Answer:
        self.entered.set()
        assert self.gate.wait(SECONDS)
        self.num_computed += 1
        return super().ask_nothing(question=question, choices=choices)


@pytest.fixture
def receiver(random_qwen: RandomModel) -> GatedReceiver:
    receiver = GatedReceiver.from_pretrained(random_qwen.model, adapter=random_qwen.adapter)
    assert isinstance(receiver, GatedReceiver)
    receiver.gate, receiver.entered, receiver.num_computed = threading.Event(), threading.Event(), 0
    return receiver


@pytest.fixture
def running(receiver: GatedReceiver) -> Iterator[RunningHost]:
    with create_server(None, receiver, "127.0.0.1:0") as host:
        yield host
        receiver.gate.set()


def ask(address: str, timeout: float = SECONDS) -> Answer:
    with connect(address, timeout=timeout) as host:
        return host.ask_nothing(choices=CHOICES)


def health(channel: grpc.Channel) -> int:
    request = health_pb2.HealthCheckRequest(service=SERVICE_NAME)
    status: int = health_pb2_grpc.HealthStub(channel).Check(request, timeout=SECONDS).status
    return status


def test_a_full_host_says_so_and_stays_healthy(
    running: RunningHost, receiver: GatedReceiver
) -> None:
    with (
        ThreadPoolExecutor(MAX_CALLS + 1) as callers,
        grpc.insecure_channel(running.address) as channel,
        connect(running.address, timeout=SECONDS) as host,
    ):
        # One more than there is room for: whichever comes last is refused, at once.
        calls = [callers.submit(ask, running.address) for _ in range(MAX_CALLS + 1)]
        refused = _first_done(calls)
        error = refused.exception()
        assert type(error) is errors.RemoteError
        assert f"busy: {MAX_CALLS} calls wait" in str(error)
        assert error.hint is not None
        assert sum(call.done() for call in calls) == 1
        assert health(channel) == SERVING
        assert host.describe().receives
        receiver.gate.set()
        answers = [call.result(SECONDS) for call in calls if call is not refused]
    assert len(set(answers)) == 1
    assert receiver.num_computed == MAX_CALLS


def test_a_call_past_its_deadline_is_not_computed(
    running: RunningHost, receiver: GatedReceiver
) -> None:
    with ThreadPoolExecutor(1) as caller:
        first = caller.submit(ask, running.address)
        assert receiver.entered.wait(SECONDS)
        # Whichever end finds out first.
        with pytest.raises(errors.LatentwireError, match=r"in time|deadline passed"):
            ask(running.address, timeout=0.3)
        receiver.gate.set()
        assert first.result(SECONDS) == ask(running.address)
    assert receiver.num_computed == 2


def test_a_stopping_host_says_so_first_and_finishes_what_is_under_way(
    running: RunningHost, receiver: GatedReceiver
) -> None:
    with (
        ThreadPoolExecutor(2) as pool,
        grpc.insecure_channel(running.address) as channel,
    ):
        under_way = pool.submit(ask, running.address)
        assert receiver.entered.wait(SECONDS)
        request = health_pb2.HealthCheckRequest(service=SERVICE_NAME)
        watch = health_pb2_grpc.HealthStub(channel).Watch(request, timeout=SECONDS)
        assert next(watch).status == SERVING
        stopped = pool.submit(running.stop, SECONDS)
        assert next(watch).status == NOT_SERVING
        watch.cancel()
        assert not under_way.done()
        receiver.gate.set()
        assert under_way.result(SECONDS).choice in CHOICES
        stopped.result(SECONDS)


def test_a_call_that_outlasts_the_grace_learns_that_the_host_is_gone(
    running: RunningHost, receiver: GatedReceiver
) -> None:
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(ask, running.address)
        assert receiver.entered.wait(SECONDS)
        running.stop(grace=0.1)
        with pytest.raises(errors.HostUnreachableError, match=running.address):
            under_way.result(SECONDS)
        receiver.gate.set()


def _first_done(calls: list[Future[Answer]]) -> Future[Answer]:
    done = threading.Event()
    for call in calls:
        call.add_done_callback(lambda _: done.set())
    assert done.wait(SECONDS)
    return next(call for call in calls if call.done())

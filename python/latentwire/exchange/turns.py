"""Whose turn it is to compute: one call at a time, and no more waiting than a host can hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from latentwire.errors import LatentwireError, RemoteError
from latentwire.exchange.limits import MAX_CALLS


class Turns:
    """Lets calls compute one after another.

    Torch uses all its threads for each call, and two at once would only slow each other down. A
    waiting call holds a thread of the server, so their number is bounded: health checks and
    ``Describe`` are answered however many wait.
    """

    def __init__(self, max_calls: int = MAX_CALLS) -> None:
        self._max_calls = max_calls
        self._places = threading.BoundedSemaphore(max_calls)
        self._compute = threading.Lock()

    @contextmanager
    def turn(self, context: grpc.ServicerContext) -> Iterator[None]:
        """Wait for this call's turn, no longer than its caller does.

        Raises:
            RemoteError: If too many calls wait already.
            LatentwireError: If the caller has gone before its turn came; nobody reads it.
        """
        if not self._places.acquire(blocking=False):
            raise RemoteError(
                f"the host is busy: {self._max_calls} calls wait already",
                hint="try again in a moment, or ask another host",
            )
        try:
            remaining = context.time_remaining()
            patience = threading.TIMEOUT_MAX if remaining is None else max(0.0, remaining)
            if not self._compute.acquire(timeout=min(patience, threading.TIMEOUT_MAX)):
                raise LatentwireError("the caller's deadline passed before its turn came")
            try:
                if not context.is_active():
                    raise LatentwireError("the caller has gone")
                yield
            finally:
                self._compute.release()
        finally:
            self._places.release()

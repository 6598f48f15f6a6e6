"""The exception tree, and its way across the wire: no class is forgotten, none changes."""

from __future__ import annotations

import grpc
import pytest
from latentwire import errors
from latentwire.errors import LatentwireError, WireError
from latentwire.exchange.gen.exchange_pb2 import ErrorDetail
from latentwire.exchange.status import CODES, DETAIL_KEY, from_call, to_status

CLASSES = [getattr(errors, name) for name in errors.__all__]


class FailedCall(grpc.RpcError):
    """What gRPC raises: a status with trailing metadata."""

    def __init__(self, code: grpc.StatusCode, detail: ErrorDetail | None) -> None:
        self._code = code
        self._metadata = ((DETAIL_KEY, detail.SerializeToString()),) if detail else ()

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "words"

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return self._metadata


def test_every_class_travels() -> None:
    assert set(CODES) == set(CLASSES)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_what_a_host_raises_its_client_raises(kind: type[LatentwireError]) -> None:
    if issubclass(kind, WireError):
        error: LatentwireError = kind("found x", hint="do y", id="checksum.mismatch", offset=7)
    else:
        error = kind("found x", hint="do y")
    code, detail = to_status(error)
    found = from_call(FailedCall(code, ErrorDetail.FromString(detail.SerializeToString())), "a:1")
    assert type(found) is kind
    assert (str(found), found.hint) == ("found x", "do y")
    if isinstance(found, WireError):
        assert (found.id, found.offset) == ("checksum.mismatch", 7)


def test_every_class_is_listed() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert {kind for kind in kinds if issubclass(kind, LatentwireError)} == set(CLASSES)


def test_a_derived_class_travels_as_the_nearest_that_is_known() -> None:
    class OwnError(errors.ChecksumError):
        """Of somebody's own."""

    code, detail = to_status(OwnError("found x", id="checksum.own"))
    assert code is grpc.StatusCode.DATA_LOSS
    found = from_call(FailedCall(code, detail), "a:1")
    assert type(found) is errors.ChecksumError
    assert found.id == "checksum.own"


def test_errors_of_a_newer_host_are_remote_errors() -> None:
    detail = ErrorDetail(kind="QuantumError", message="found x", hint="")
    found = from_call(FailedCall(grpc.StatusCode.INTERNAL, detail), "a:1")
    assert type(found) is errors.RemoteError
    assert "QuantumError: found x" in str(found)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAVAILABLE, errors.HostUnreachableError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.RemoteError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.LimitExceededError),
        (grpc.StatusCode.UNKNOWN, errors.RemoteError),
    ],
)
def test_a_status_without_detail(code: grpc.StatusCode, kind: type[LatentwireError]) -> None:
    found = from_call(FailedCall(code, None), "10.0.0.1:5")
    assert type(found) is kind
    assert "10.0.0.1:5" in str(found)


def test_misuse_exits_with_2_and_failure_with_1() -> None:
    for kind in CLASSES:
        assert kind.exit_code == (2 if issubclass(kind, errors.UsageError) else 1)

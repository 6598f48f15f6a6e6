"""Errors across the wire: the class that a host raises is the class that its client raises.

gRPC's status code is for whoever has no latentwire; the typed detail beside it carries the class
name, the line, the hint and, for packets, the exact finding.
"""

from __future__ import annotations

import grpc
from google.protobuf.message import DecodeError

from latentwire import errors
from latentwire.errors import LatentwireError, RemoteError, WireError
from latentwire.exchange.gen.exchange_pb2 import ErrorDetail
from latentwire.exchange.limits import MAX_ERROR_BYTES

DETAIL_KEY = "latentwire-error-bin"
"""Trailing metadata that holds a serialized ``ErrorDetail``."""

_Code = grpc.StatusCode

CODES: dict[type[LatentwireError], grpc.StatusCode] = {
    errors.LatentwireError: _Code.INTERNAL,
    errors.UsageError: _Code.INVALID_ARGUMENT,
    errors.WireError: _Code.INVALID_ARGUMENT,
    errors.TruncatedPacketError: _Code.INVALID_ARGUMENT,
    errors.ChecksumError: _Code.DATA_LOSS,
    errors.UnsupportedVersionError: _Code.UNIMPLEMENTED,
    errors.UnsupportedFeatureError: _Code.UNIMPLEMENTED,
    errors.MalformedPacketError: _Code.INVALID_ARGUMENT,
    errors.UntrustedPacketError: _Code.UNAUTHENTICATED,
    errors.LimitExceededError: _Code.RESOURCE_EXHAUSTED,
    errors.InvalidMessageError: _Code.INVALID_ARGUMENT,
    errors.StreamIndexError: _Code.DATA_LOSS,
    errors.StreamLockedError: _Code.UNAVAILABLE,
    errors.ModelNotFoundError: _Code.NOT_FOUND,
    errors.CheckpointError: _Code.INTERNAL,
    errors.SpaceMismatchError: _Code.FAILED_PRECONDITION,
    errors.EmptyTextError: _Code.INVALID_ARGUMENT,
    errors.TextTooLongError: _Code.INVALID_ARGUMENT,
    errors.ChoicesError: _Code.INVALID_ARGUMENT,
    errors.DataError: _Code.INVALID_ARGUMENT,
    errors.RecipeError: _Code.INVALID_ARGUMENT,
    errors.TrainingError: _Code.INTERNAL,
    errors.DiskFullError: _Code.RESOURCE_EXHAUSTED,
    errors.MissingExtraError: _Code.INTERNAL,
    errors.HostUnreachableError: _Code.UNAVAILABLE,
    errors.HubError: _Code.UNAVAILABLE,
    errors.PortInUseError: _Code.INTERNAL,
    errors.RemoteError: _Code.UNAVAILABLE,
}
"""Every class of ``latentwire.errors`` and the gRPC status that it travels with."""

_CLASSES = {kind.__name__: kind for kind in CODES}


def to_status(error: LatentwireError) -> tuple[grpc.StatusCode, ErrorDetail]:
    """What a host answers a call with that failed with this error."""
    kind = _listed(type(error))
    detail = ErrorDetail(
        kind=kind.__name__, message=_shorten(str(error)), hint=_shorten(error.hint or "")
    )
    if isinstance(error, WireError):
        detail.wire_id = error.id
        if error.offset is not None:
            detail.wire_offset = error.offset
    return CODES[kind], detail


def _listed(kind: type[LatentwireError]) -> type[LatentwireError]:
    """The nearest class that clients know: an error may be of a class that somebody derived."""
    return next(parent for parent in kind.__mro__ if parent in CODES)


def from_call(call: grpc.RpcError, address: str) -> LatentwireError:
    """The error of a failed call: the host's own, or what the connection ran into."""
    metadata = call.trailing_metadata() or ()
    for key, value in metadata:
        if key == DETAIL_KEY:
            try:
                return _from_detail(ErrorDetail.FromString(value))
            except DecodeError:
                break  # not ours: the status still says what kind of failure it was
    code, words = call.code(), call.details() or "no details"
    if code is _Code.DEADLINE_EXCEEDED:
        return RemoteError(
            f"the host at {address} did not answer in time", hint="raise timeout, or send less"
        )
    # No caller of ours cancels: a cancelled call is one that a stopping host did not finish.
    if code in (_Code.UNAVAILABLE, _Code.CANCELLED):
        return errors.HostUnreachableError(
            f"the host at {address} cannot be reached: {words}",
            hint="is it still running? start it again, or connect to another",
        )
    if code is _Code.RESOURCE_EXHAUSTED:
        return errors.LimitExceededError(f"the call to {address} is too large: {words}")
    return RemoteError(f"the host at {address} failed with {code.name}: {words}")


def _shorten(line: str) -> str:
    """At most ``MAX_ERROR_BYTES`` of UTF-8; what cannot be encoded is escaped."""
    data = line.encode(errors="backslashreplace")
    if len(data) > MAX_ERROR_BYTES:
        data = data[: MAX_ERROR_BYTES - 3] + b"..."
    return data.decode(errors="ignore")


def _from_detail(detail: ErrorDetail) -> LatentwireError:
    kind = _CLASSES.get(detail.kind)
    hint = detail.hint or None
    if kind is None:  # a newer host may know errors that this client does not
        return RemoteError(f"{detail.kind}: {detail.message}", hint=hint)
    if issubclass(kind, WireError):
        offset = detail.wire_offset if detail.HasField("wire_offset") else None
        return kind(detail.message, id=detail.wire_id, offset=offset, hint=hint)
    return kind(detail.message, hint=hint)

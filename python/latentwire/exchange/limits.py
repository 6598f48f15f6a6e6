"""What both ends hold to, stated once, so that a pair cannot fail one way only."""

MAX_MESSAGE_BYTES = 20 * 1024 * 1024
"""The most bytes of a call: the largest packet that default limits read, and room around it."""

MAX_NEW_TOKENS = 512
"""The most tokens that one call may ask a host to write."""

MAX_CALLS = 48
"""The most calls that compute or wait for their turn in one host."""

MAX_ERROR_BYTES = 1024
"""The most UTF-8 bytes of an error's line, and of its hint, on the wire.

An error may quote what the caller sent. It travels in the trailing metadata, twice and encoded, and
gRPC refuses metadata beyond 8 KiB.
"""

CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
)

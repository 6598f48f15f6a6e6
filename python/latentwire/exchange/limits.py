"""Sizes that both ends state, so that a pair cannot fail one way only."""

MAX_MESSAGE_BYTES = 20 * 1024 * 1024
"""The most bytes of a call: the largest packet that default limits read, and room around it."""

CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
)

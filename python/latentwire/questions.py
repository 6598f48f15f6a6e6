"""Questions that belong to no task."""

GENERIC_QUESTION = "Answer:"
"""Asked when the caller names choices but no question."""
REPEAT_QUESTION = "Repeat:"
"""Asks a tiny model to write down again what it has read."""

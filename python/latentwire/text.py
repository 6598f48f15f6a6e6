"""What counts as a text that can be sent."""

from __future__ import annotations

from latentwire.errors import EmptyTextError, TextTooLongError

MAX_TEXT_BYTES = 64 * 1024
"""The most UTF-8 bytes of a text; a model's own context length may be shorter still."""


def check_text(text: str) -> None:
    """Refuse a text before anything is computed for it.

    Raises:
        EmptyTextError: If it has no visible character.
        TextTooLongError: If it has more than ``MAX_TEXT_BYTES`` bytes.
    """
    if not text.strip():
        raise EmptyTextError("the text is empty", hint="give at least one visible character")
    # A character takes at least one byte: long texts are refused without being encoded.
    size = len(text) if len(text) > MAX_TEXT_BYTES else len(text.encode(errors="surrogatepass"))
    if size > MAX_TEXT_BYTES:
        raise TextTooLongError(
            f"the text has {size:,} bytes, at most {MAX_TEXT_BYTES:,} are taken",
            hint="send it in parts, each as a message of its own",
        )

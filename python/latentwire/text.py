"""What counts as a text that can be sent, and as a question that can be asked."""

from __future__ import annotations

from latentwire.errors import EmptyTextError, TextTooLongError, UsageError

MAX_TEXT_BYTES = 64 * 1024
"""The most UTF-8 bytes of a text; a model's own context length may be shorter still."""

MAX_QUESTION_BYTES = 4 * 1024
"""The most UTF-8 bytes of a question."""


def check_text(text: str) -> None:
    """Refuse a text before anything is computed for it.

    Raises:
        EmptyTextError: If it has no visible character.
        TextTooLongError: If it has more than ``MAX_TEXT_BYTES`` bytes.
        UsageError: If it is no text, or not Unicode: a lone surrogate, as undecodable input leaves
            behind.
    """
    if not isinstance(text, str):
        raise UsageError(f"expected a text, found {type(text).__name__}")
    if not text.strip():
        raise EmptyTextError("the text is empty", hint="give at least one visible character")
    # A character takes at least one byte: long texts are refused without being encoded.
    size = len(text) if len(text) > MAX_TEXT_BYTES else len(encode_utf8(text, "the text"))
    if size > MAX_TEXT_BYTES:
        raise TextTooLongError(
            f"the text has {size:,} bytes, at most {MAX_TEXT_BYTES:,} are taken",
            hint="send it in parts, each as a message of its own",
        )


def check_question(question: str | None) -> None:
    """Refuse a question before anything is computed for it; None asks the generic question.

    Raises:
        UsageError: If it is no text, not Unicode, or has more than ``MAX_QUESTION_BYTES`` bytes.
    """
    if question is None:
        return
    if not isinstance(question, str):
        raise UsageError(
            f"expected a question as a text, found {type(question).__name__}",
            hint="None asks the generic question",
        )
    size = len(encode_utf8(question, "the question"))
    if size > MAX_QUESTION_BYTES:
        raise UsageError(
            f"the question has {size:,} bytes, at most {MAX_QUESTION_BYTES:,} are taken",
            hint="what the question is about belongs into the message",
        )


def encode_utf8(text: str, what: str) -> bytes:
    """UTF-8 of a text; ``what`` names it in the error.

    Raises:
        UsageError: If it holds a lone surrogate.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{what} is not Unicode: character {error.start} is a lone surrogate",
            hint="decode the input as UTF-8",
        ) from error

"""The one way in which text, question and answer become token ids, in training and in use alike.

The three parts are tokenized separately and concatenated as ids: with byte-level pre-tokenizers a
full stop and the line break after it fuse into one token, so joint tokenization would make the
ids of the text depend on the question.
"""

from __future__ import annotations

from typing import Any

from latentwire.questions import GENERIC_QUESTION


def token_ids(tokenizer: Any, text: str) -> list[int]:
    """Ids of one part, without special tokens."""
    # Past the library's own call, which takes ten times as long as the tokenizer below it.
    ids: list[int] = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def question_ids(tokenizer: Any, question: str | None) -> list[int]:
    """Ids of the question on a line of its own."""
    return token_ids(tokenizer, "\n" + (question or GENERIC_QUESTION))


def answer_ids(tokenizer: Any, answer: str) -> list[int]:
    """Ids of an answer followed by the end-of-sequence token.

    The end token makes the probabilities of answers that are prefixes of each other comparable.
    """
    return [*token_ids(tokenizer, " " + answer), int(tokenizer.eos_token_id)]


def begin_ids(tokenizer: Any) -> list[int]:
    """The begin-of-sequence token where the tokenizer has one, else nothing."""
    return [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]

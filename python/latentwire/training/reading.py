"""What a frozen receiver predicts of an answer after a message and a question."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from latentwire.frozen import FrozenModel
from latentwire.frozen.answers import Suffixes
from latentwire.frozen.prompt import Prompt


def answer_logits(
    frozen: FrozenModel,
    prefix: Tensor,
    questions: Sequence[list[int]],
    answers: Sequence[list[int]],
    *,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """The receiver's logits at the positions that predict answers.

    The sequence is begin token, message, question, answer: the order and the positions in which a
    receiver is asked. What follows the message is padded on the right under causal attention, so
    no real position sees that padding. Each answer token is predicted from the position before it.

    Args:
        frozen: The receiver; gradients flow through it, never into it.
        prefix: Soft tokens [B, k, d] or a key/value prefix [L, 2, B, H, k, D].
        questions: Ids of each row's question.
        answers: Ids of each row's answer, end token included. A row whose answer is not known has
            an empty one: its first token is predicted all the same.
        mask: bool [B, k], False where the message is padded, on either side; None: it is not.

    Returns:
        Logits float32 [N, V] and the tokens that are right, int64 [N], ``NO_TARGET`` where that is
        not known; N counts the answer tokens of all rows, row after row.
    """
    suffixes = Suffixes.of(questions, answers, prefix.device)
    hidden = Prompt.build(frozen, prefix, mask, suffixes.ids).run()
    return frozen.logits(suffixes.predicting(hidden)), suffixes.tokens

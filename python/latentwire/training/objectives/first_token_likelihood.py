"""Likelihood of the first token of each answer: the one that the message alone must bring."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from latentwire.frozen import FrozenModel
from latentwire.training.objectives.answer_generation import answer_generation


def first_token_likelihood(
    frozen: FrozenModel,
    prefix: Tensor,
    questions: Sequence[list[int]],
    answers: Sequence[list[int]],
    *,
    mask: Tensor | None = None,
) -> Tensor:
    """Negative log-likelihood of first tokens; arguments as of ``answer_logits``.

    Later tokens can be guessed from those before them, the first only from message and question.

    Returns:
        Scalar, nats per row whose answer is known.
    """
    return answer_generation(
        frozen, prefix, questions, [answer[:1] for answer in answers], mask=mask
    )

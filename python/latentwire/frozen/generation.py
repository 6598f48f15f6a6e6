"""Greedy generation after a message, with a key/value cache."""

from __future__ import annotations

import torch
from torch import Tensor

from latentwire.frozen.model import FrozenModel
from latentwire.frozen.prompt import Prompt, batch_size, padding_of
from latentwire.frozen.template import question_ids


def generate(
    frozen: FrozenModel,
    prefix: Tensor,
    mask: Tensor,
    question: str | None,
    *,
    max_new_tokens: int = 32,
) -> list[str]:
    """Write greedily after begin token, prefix and question until the end token.

    Args:
        frozen: A causal model.
        prefix: Soft tokens [B, P, d] or a key/value prefix [L, 2, B, H, P, D]; see ``Prompt``.
        mask: bool [B, P], False on padding, which changes nothing.
        question: Asked after the prefix; None asks the generic question.
        max_new_tokens: Upper bound of tokens written per row.

    Returns:
        One text per row, without special tokens.

    Raises:
        UsageError: If a key/value prefix is of another model's geometry.
    """
    asked = torch.tensor(question_ids(frozen.tokenizer, question), device=frozen.device)
    rows = continue_greedily(frozen, prefix, mask, asked, max_new_tokens)
    texts: list[str] = frozen.tokenizer.batch_decode(rows, skip_special_tokens=True)
    return [text.strip() for text in texts]


@torch.inference_mode()
def continue_greedily(
    frozen: FrozenModel, prefix: Tensor, mask: Tensor | None, following: Tensor, limit: int
) -> list[list[int]]:
    """Ids that a model writes after a prefix and ids int64 [W], without the end token.

    At most ``limit`` of each row; see ``generate`` for the prefix.
    """
    batch, end = batch_size(prefix), int(frozen.tokenizer.eos_token_id)
    prompt = Prompt.build(
        frozen, prefix, padding_of(mask), following.expand(batch, -1), keeps_cache=True
    )
    written: list[Tensor] = []
    finished = torch.zeros(batch, dtype=torch.bool, device=frozen.device)
    for _ in range(limit):
        token = frozen.logits(prompt.run()[:, -1]).argmax(-1)  # [B]
        token = torch.where(finished, torch.full_like(token, end), token)
        finished = finished | (token == end)
        written.append(token)
        if bool(finished.all()):
            break
        prompt.append(token[:, None])
    rows = torch.stack(written, dim=1).tolist()
    return [row[: row.index(end)] if end in row else row for row in rows]

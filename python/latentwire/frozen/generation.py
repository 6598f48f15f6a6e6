"""Greedy generation after a soft prefix, with a key/value cache."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from latentwire.frozen.model import FrozenModel
from latentwire.frozen.template import question_ids


@torch.inference_mode()
def generate(
    frozen: FrozenModel,
    prefix: Tensor,
    mask: Tensor,
    question: str | None,
    *,
    max_new_tokens: int = 32,
    use_cache: bool = True,
) -> list[str]:
    """Write greedily after begin token, prefix and question until the end token.

    Args:
        frozen: A causal model.
        prefix: Input embeddings [B, P, d].
        mask: bool [B, P], False on padding, which changes nothing.
        question: Asked after the prefix; None asks the generic question.
        max_new_tokens: Upper bound of tokens written per row.
        use_cache: False recomputes everything at each step: slow, the reference for tests.

    Returns:
        One text per row, without special tokens.
    """
    device, batch = frozen.device, prefix.shape[0]
    end = int(frozen.tokenizer.eos_token_id)
    begin, asked = (
        frozen.embed(torch.tensor(ids, dtype=torch.long, device=device)).expand(batch, -1, -1)
        for ids in (frozen.begin, question_ids(frozen.tokenizer, question))
    )
    embeddings = torch.cat([begin, prefix.to(begin.dtype), asked], dim=1)
    ones = mask.new_ones(batch, 1)
    real = torch.cat(
        [ones.expand(-1, begin.shape[1]), mask, ones.expand(-1, asked.shape[1])], dim=1
    )
    written: list[Tensor] = []
    finished = torch.zeros(batch, dtype=torch.bool, device=device)
    cache = {cache_argument(frozen.model): DynamicCache(config=frozen.model.config)}
    for _ in range(max_new_tokens):
        positions = (real.long().cumsum(1) - 1).clamp_min(0)
        output = frozen.model(
            inputs_embeds=embeddings,
            attention_mask=real.long(),
            position_ids=positions[:, -embeddings.shape[1] :],
            use_cache=use_cache,
            **(cache if use_cache else {}),
            logits_to_keep=1,
        )
        token = output.logits[:, -1].argmax(-1)  # [B]
        token = torch.where(finished, torch.full_like(token, end), token)
        finished = finished | (token == end)
        written.append(token)
        if bool(finished.all()):
            break
        real = torch.cat([real, ones], dim=1)
        step = frozen.embed(token)[:, None]
        # With a cache, what came before is in it.
        embeddings = step if use_cache else torch.cat([embeddings, step], dim=1)
    rows = torch.stack(written, dim=1).tolist()
    texts: list[str] = frozen.tokenizer.batch_decode(
        [row[: row.index(end)] if end in row else row for row in rows], skip_special_tokens=True
    )
    return [text.strip() for text in texts]


def cache_argument(model: Any) -> str:
    """Name under which a model's forward pass takes its key/value cache.

    transformers 5.24 renamed ``past_key_values`` to ``cache``; models of both ages are loaded here.
    """
    is_renamed = "cache" in inspect.signature(model.forward).parameters
    return "cache" if is_renamed else "past_key_values"

"""Score the answers of closed questions that differ from row to row, in one forward pass.

A tree of answers a row (``ChoiceTree``), padded to the longest: rows of a few short answers cost
little more than one answer each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from latentwire.frozen.forward import causal, positions_of
from latentwire.frozen.model import FrozenModel
from latentwire.frozen.prompt import Prompt, batch_size
from latentwire.frozen.scoring import ChoiceTree


def forest_scores(
    frozen: FrozenModel, prefix: Tensor, mask: Tensor | None, trees: Sequence[ChoiceTree]
) -> Tensor:
    """Summed log-probability of every answer, a tree a row; gradients flow to the prefix.

    Args:
        frozen: The receiver.
        prefix: Soft tokens [B, P, d] or a key/value prefix [L, 2, B, H, P, D]; see ``Prompt``.
        mask: bool [B, P], False on padding, which may be anywhere; it changes no score. None: there
            is none.
        trees: The B questions, each with its answers, C of them at most.

    Returns:
        float32 [B, C], in nats; minus infinity beyond the answers of a row.

    Raises:
        UsageError: If a key/value prefix is of another model's geometry.
    """
    batch, device = batch_size(prefix), frozen.device
    width = max(len(tree.following) for tree in trees)
    ids = torch.zeros(batch, width, dtype=torch.long, device=device)
    for row, tree in enumerate(trees):
        ids[row, : len(tree.following)] = tree.following
    prompt = Prompt.build(frozen, prefix, mask, ids)
    queries = prompt.embeddings.shape[1]
    total = len(frozen.begin) + prefix.shape[-2] + width
    real = prompt.real
    if real is None:
        real = torch.ones(batch, total, dtype=torch.bool, device=device)
    positions, visible = positions_of(real), causal(real, queries)
    entries: list[Tensor] = []  # of every row, the question's end and its nodes
    owners, parents, tokens, first = [], [], [], 0
    most = max(tree.num_choices for tree in trees)
    for row, tree in enumerate(trees):
        count = len(tree.ids)
        start = total - width + len(tree.following) - count  # of the tree
        nodes, own = slice(start, start + count), start - (total - queries)
        positions[row, nodes] = positions[row, start - 1] + tree.depth
        visible[row, own : own + count, nodes] = tree.ancestors
        entries.append(row * queries + own - 1 + torch.arange(1 + count, device=device))
        parents.append(first + tree.parents)
        tokens.append(tree.tokens)
        owners.append(row * most + tree.owners)
        first += 1 + count
    hidden = prompt.run(visible=visible, positions=positions).flatten(0, 1)  # [B * Q, d]
    logits = frozen.logits(hidden[torch.cat(entries)])
    parent = torch.cat(parents)
    picked = logits[parent, torch.cat(tokens)] - logits.logsumexp(-1)[parent]
    scores = torch.zeros(batch * most, device=device).index_add(0, torch.cat(owners), picked)
    offered = torch.tensor([tree.num_choices for tree in trees], device=device)
    is_beyond = torch.arange(most, device=device) >= offered[:, None]
    return scores.view(batch, most).masked_fill(is_beyond, -torch.inf)

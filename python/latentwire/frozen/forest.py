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
from latentwire.transfer import to_device


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
    ids = torch.zeros(batch, width, dtype=torch.long)
    for row, tree in enumerate(trees):
        ids[row, : len(tree.following)] = tree.following
    prompt = Prompt.build(frozen, prefix, mask, to_device(ids, device))
    queries = prompt.embeddings.shape[1]
    total = len(frozen.begin) + prefix.shape[-2] + width
    # All is laid out on the processor: on a GPU every row would be a dozen kernels of its own.
    nothing_padded = torch.ones(batch, total, dtype=torch.bool)
    real = nothing_padded if prompt.real is None else prompt.real.cpu()
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
        entries.append(row * queries + own - 1 + torch.arange(1 + count))
        parents.append(first + tree.parents)
        tokens.append(tree.tokens)
        owners.append(row * most + tree.owners)
        first += 1 + count
    hidden = prompt.run(
        visible=to_device(visible, device), positions=to_device(positions, device)
    ).flatten(0, 1)  # [B * Q, d]
    logits = frozen.logits(hidden[to_device(torch.cat(entries), device)])
    parent, token, owner = (
        to_device(torch.cat(parts), device) for parts in (parents, tokens, owners)
    )
    picked = logits[parent, token] - logits.logsumexp(-1)[parent]
    scores = torch.zeros(batch * most, device=device).index_add(0, owner, picked)
    offered = torch.tensor([tree.num_choices for tree in trees])
    is_beyond = to_device(torch.arange(most) >= offered[:, None], device)
    return scores.view(batch, most).masked_fill(is_beyond, -torch.inf)

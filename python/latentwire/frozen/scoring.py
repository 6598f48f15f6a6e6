"""Score every answer of a closed question in one forward pass.

The answers' tokens form a trie that stands once after the question; a tree attention mask lets a
node see the prefix, the question and its own ancestors. 77 answers cost one pass over about 280
nodes instead of 77 passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latentwire.errors import ChoicesError
from latentwire.frozen.forward import causal, positions_of
from latentwire.frozen.model import FrozenModel
from latentwire.frozen.prompt import Prompt, batch_size
from latentwire.frozen.template import answer_ids, question_ids

PROMPT_ROOM = 64
"""Tokens of a model's context that are kept for the question and the longest answer."""

MAX_TREE_NODES = 4096
"""The most nodes of a trie: scoring takes memory with their square."""


@dataclass(frozen=True)
class ChoiceTree:
    """The answers of a question as a trie of tokens.

    Attributes:
        question: Ids of the question.
        ids: Token of each of the N inner nodes (leaves are scored, never read).
        depth: Distance of each inner node from the question, from 1.
        ancestors: bool [N, N]; row i is True at i and its ancestors.
        steps: Per answer the (parent, token) pairs to sum: parent -1 is the question's last token.
    """

    question: list[int]
    ids: list[int]
    depth: list[int]
    ancestors: Tensor
    steps: list[list[tuple[int, int]]]

    @classmethod
    def build(cls, frozen: FrozenModel, question: str | None, choices: Sequence[str]) -> ChoiceTree:
        """Tokenize a question and its answers for a model.

        Raises:
            ChoicesError: If the answers together have too many tokens to score at once.
        """
        nodes: dict[tuple[int, ...], int] = {}
        parents: list[int] = []
        ids: list[int] = []
        steps = []
        for choice in choices:
            path: list[tuple[int, int]] = []
            tokens = answer_ids(frozen.tokenizer, choice)
            parent = -1
            for position, token in enumerate(tokens):
                path.append((parent, token))
                if position == len(tokens) - 1:
                    break  # the end token is predicted but never fed back
                key = tuple(tokens[: position + 1])
                if key not in nodes:
                    if len(ids) == MAX_TREE_NODES:
                        raise ChoicesError(
                            f"the {len(choices)} choices have more than {MAX_TREE_NODES:,} tokens",
                            hint="offer fewer or shorter choices",
                        )
                    nodes[key] = len(ids)
                    ids.append(token)
                    parents.append(parent)
                parent = nodes[key]
            steps.append(path)
        count = len(ids)
        ancestors = torch.zeros(count, count, dtype=torch.bool)
        depth = []
        for node, parent in enumerate(parents):
            ancestors[node, node] = True
            if parent >= 0:
                ancestors[node] |= ancestors[parent]
            depth.append(int(ancestors[node].sum()))
        return cls(question_ids(frozen.tokenizer, question), ids, depth, ancestors, steps)


def choice_scores(
    frozen: FrozenModel, prefix: Tensor, mask: Tensor | None, tree: ChoiceTree
) -> Tensor:
    """Summed log-probability of every answer after a prefix; gradients flow to the prefix.

    Args:
        frozen: The receiver.
        prefix: Soft tokens [B, P, d] or a key/value prefix [L, 2, B, H, P, D], to stand between the
            begin token and the question; see ``Prompt``. P may be 0.
        mask: bool [B, P], False on padding, which may be anywhere; it changes no score. None: there
            is none.
        tree: The question and its answers.

    Returns:
        float32 [B, C], in nats.

    Raises:
        UsageError: If a key/value prefix is of another model's geometry.
    """
    device = frozen.device
    batch = batch_size(prefix)
    if mask is None:
        mask = torch.ones(batch, prefix.shape[-2], dtype=torch.bool, device=device)
    following = torch.tensor(tree.question + tree.ids, dtype=torch.long, device=device)
    prompt = Prompt.build(frozen, prefix, mask, following.expand(batch, -1))
    assert prompt.real is not None
    count, queries = len(tree.ids), prompt.embeddings.shape[1]
    length = prompt.real.shape[1] - count  # L: begin, prefix, question
    read = prompt.real[:, :length]
    depth = torch.tensor(tree.depth, dtype=torch.long, device=device)
    positions = torch.cat([positions_of(read), read.sum(1, keepdim=True) - 1 + depth], dim=1)
    visible = causal(prompt.real, queries)  # nodes see all that is before the tree
    visible[:, queries - count :, length:] = tree.ancestors.to(device)  # and their own ancestors
    hidden = prompt.run(visible=visible, positions=positions)[:, queries - count - 1 :]
    logits = frozen.logits(hidden)  # [B, 1 + N, V]: question's end, nodes
    parents, tokens, owners = (
        torch.tensor(column, device=device)
        for column in zip(
            *((p + 1, token, owner) for owner, path in enumerate(tree.steps) for p, token in path),
            strict=True,
        )
    )
    # Normalizing what is picked, not the whole table, saves most of the memory traffic.
    picked = logits[:, parents, tokens] - logits.logsumexp(-1)[:, parents]  # [B, steps]
    scores = torch.zeros(batch, len(tree.steps), device=device)
    return scores.index_add(1, owners, picked)


@torch.inference_mode()
def score_choices(
    frozen: FrozenModel, prefix: Tensor, mask: Tensor | None, tree: ChoiceTree
) -> Tensor:
    """``choice_scores`` for use, not for training."""
    return choice_scores(frozen, prefix, mask, tree)


def text_prefix(frozen: FrozenModel, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Embeddings [B, T, d] and mask [B, T] of texts, for a receiver that reads the text itself."""
    ids, mask = frozen.pad([row or [frozen.begin[0]] for row in frozen.tokenize(texts)])
    return frozen.embed(ids), mask

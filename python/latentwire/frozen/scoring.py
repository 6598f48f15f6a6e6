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
from latentwire.frozen.model import FrozenModel
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


@torch.inference_mode()
def score_choices(frozen: FrozenModel, prefix: Tensor, mask: Tensor, tree: ChoiceTree) -> Tensor:
    """Summed log-probability of every answer after a prefix.

    Args:
        frozen: The receiver.
        prefix: Input embeddings [B, P, d] to stand between the begin token and the question:
            soft tokens, or the embeddings of a text. P may be 0.
        mask: bool [B, P], False on padding, which may be anywhere; it changes no score.
        tree: The question and its answers.

    Returns:
        float32 [B, C], in nats.
    """
    device, batch = frozen.device, prefix.shape[0]
    begin, question, nodes = (
        frozen.embed(torch.tensor(ids, dtype=torch.long, device=device)).expand(batch, -1, -1)
        for ids in (frozen.begin, tree.question, tree.ids)
    )
    embeddings = torch.cat([begin, prefix.to(begin.dtype), question, nodes], dim=1)  # [B, S, d]
    ones = mask.new_ones(batch, 1)
    real = torch.cat(
        [ones.expand(-1, begin.shape[1]), mask, ones.expand(-1, question.shape[1])], dim=1
    )  # [B, L]: begin, prefix, question
    length, count = real.shape[1], len(tree.ids)
    positions = (real.long().cumsum(1) - 1).clamp_min(0)  # padding does not move what follows it
    depth = torch.tensor(tree.depth, dtype=torch.long, device=device)
    positions = torch.cat([positions, real.long().sum(1, keepdim=True) - 1 + depth], dim=1)

    causal = torch.ones(length, length, dtype=torch.bool, device=device).tril()
    visible = torch.zeros(batch, length + count, length + count, dtype=torch.bool, device=device)
    visible[:, :length, :length] = causal & real[:, None, :]
    visible[:, length:, :length] = real[:, None, :]
    visible[:, length:, length:] = tree.ancestors.to(device)
    visible |= torch.eye(length + count, dtype=torch.bool, device=device)  # no row without a key

    output = frozen.model.model(
        inputs_embeds=embeddings,
        attention_mask=visible[:, None],
        position_ids=positions,
        use_cache=False,
    )
    hidden = output.last_hidden_state[:, length - 1 :]  # [B, 1 + N, d]: question's end, nodes
    logits = frozen.model.lm_head(hidden).float()  # [B, 1 + N, V]
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
    return scores.index_add_(1, owners, picked)


def text_prefix(frozen: FrozenModel, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Embeddings [B, T, d] and mask [B, T] of texts, for a receiver that reads the text itself."""
    ids, mask = frozen.pad([row or [frozen.begin[0]] for row in frozen.tokenize(texts)])
    return frozen.embed(ids), mask

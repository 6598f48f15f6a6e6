"""Score every answer of a closed question in one forward pass.

The answers' tokens form a trie that stands once after the question; a tree attention mask lets a
node see the prefix, the question and its own ancestors. 77 answers cost one pass over about 280
nodes instead of 77 passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from latentwire.errors import ChoicesError
from latentwire.frozen.forward import causal, positions_of
from latentwire.frozen.model import FrozenModel
from latentwire.frozen.prompt import Prompt, batch_size, padding_of
from latentwire.frozen.template import answer_ids, question_ids
from latentwire.transfer import to_device

PROMPT_ROOM = 64
"""Tokens of a model's context that are kept for the question and the longest answer."""

MAX_TREE_NODES = 4096
_KEPT_TREES = 64
"""The most nodes of a trie: scoring takes memory with their square."""


@dataclass(frozen=True)
class ChoiceTree:
    """The answers of a question as a trie of tokens.

    It is built on the processor; ``on`` gives it where a model is.

    Attributes:
        num_choices: C, the answers.
        ids: Token of each of the N inner nodes (leaves are scored, never read).
        following: int64 [W + N], ids of the question and of the nodes: what is run after a message.
        depth: int64 [N], distance of each node from the question, from 1.
        ancestors: bool [N, N]; row i is True at i and its ancestors.
        parents: int64 [S], of each token to score the entry that predicts it: 0 is the question's
            last token, 1 + i node i.
        tokens: int64 [S], the tokens to score, those of an answer in a row.
        owners: int64 [S], whose answer each is.
    """

    num_choices: int
    ids: list[int]
    following: Tensor
    depth: Tensor
    ancestors: Tensor
    parents: Tensor
    tokens: Tensor
    owners: Tensor
    _elsewhere: dict[torch.device, ChoiceTree] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def on(self, device: torch.device) -> ChoiceTree:
        """The tree with its tensors on a device; they are copied once for all that is asked."""
        if device == self.depth.device:
            return self
        if device not in self._elsewhere:
            with torch.inference_mode(False):  # see ``build``
                self._elsewhere[device] = replace(
                    self,
                    following=to_device(self.following, device),
                    depth=to_device(self.depth, device),
                    ancestors=to_device(self.ancestors, device),
                    parents=to_device(self.parents, device),
                    tokens=to_device(self.tokens, device),
                    owners=to_device(self.owners, device),
                )
        return self._elsewhere[device]

    @classmethod
    def build(cls, frozen: FrozenModel, question: str | None, choices: Sequence[str]) -> ChoiceTree:
        """Tokenize a question and its answers for a model.

        Raises:
            ChoicesError: If the answers together have too many tokens to score at once.
        """
        nodes: dict[tuple[int, ...], int] = {}
        parents: list[int] = []
        ids: list[int] = []
        steps: list[tuple[int, int, int]] = []
        for owner, choice in enumerate(choices):
            tokens = answer_ids(frozen.tokenizer, choice)
            parent = -1
            for position, token in enumerate(tokens):
                steps.append((parent + 1, token, owner))
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
        count = len(ids)
        # Ordinary tensors also within inference mode: a tree that is kept may be trained on.
        with torch.inference_mode(False):
            ancestors = torch.eye(count, dtype=torch.bool)
            for node, parent in enumerate(parents):
                if parent >= 0:
                    ancestors[node] |= ancestors[parent]
            following = torch.tensor(question_ids(frozen.tokenizer, question) + ids)
            predicted_by, scored, owners = torch.tensor(steps).unbind(1)
            return cls(
                num_choices=len(choices),
                ids=ids,
                following=following,
                depth=ancestors.sum(1),
                ancestors=ancestors,
                parents=predicted_by,
                tokens=scored,
                owners=owners,
            )


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
    batch, tree = batch_size(prefix), tree.on(frozen.device)
    prompt = Prompt.build(frozen, prefix, mask, tree.following.expand(batch, -1))
    count, queries = len(tree.ids), prompt.embeddings.shape[1]
    length = len(frozen.begin) + prefix.shape[-2] + len(tree.following) - count  # L: to the tree
    if prompt.real is None:
        positions, visible = _unpadded(tree, length, queries)
    else:
        read = prompt.real[:, :length]
        positions = torch.cat(
            [positions_of(read), read.sum(1, keepdim=True) - 1 + tree.depth], dim=1
        )
        visible = causal(prompt.real, queries)  # nodes see all that is before the tree
        visible[:, queries - count :, length:] = tree.ancestors  # and their own ancestors
    hidden = prompt.run(visible=visible, positions=positions)[:, queries - count - 1 :]
    logits = frozen.logits(hidden)  # [B, 1 + N, V]: question's end, nodes
    if logits.requires_grad:
        # Normalizing what is picked, not the whole table, saves traffic in the backward pass.
        normalizers = logits.logsumexp(-1)[:, tree.parents]
        picked = logits[:, tree.parents, tree.tokens] - normalizers  # [B, S]
    else:  # one pass instead of four
        picked = logits.log_softmax(-1)[:, tree.parents, tree.tokens]
    scores = torch.zeros(batch, tree.num_choices, device=picked.device)
    return scores.index_add(1, tree.owners, picked)


def _unpadded(tree: ChoiceTree, length: int, num_queries: int) -> tuple[Tensor, Tensor]:
    """Positions int64 [1, K] and what is seen bool [1, Q, K], alike for all rows: K is L + N."""
    count, device = len(tree.ids), tree.depth.device
    total = length + count
    positions = torch.cat([torch.arange(length, device=device), length - 1 + tree.depth])
    visible = torch.ones(num_queries, total, dtype=torch.bool, device=device)
    visible = visible.tril_(total - num_queries)
    visible[num_queries - count :, length:] = tree.ancestors
    return positions[None], visible[None]


@torch.inference_mode()
def score_choices(
    frozen: FrozenModel, prefix: Tensor, mask: Tensor | None, tree: ChoiceTree
) -> Tensor:
    """``choice_scores`` for use, not for training."""
    return choice_scores(frozen, prefix, padding_of(mask), tree)


class ChoiceTrees:
    """Trees of the questions that a model was asked lately.

    Questions come from the network: few are kept.

    Args:
        frozen: Whose tokens they are in.
    """

    def __init__(self, frozen: FrozenModel) -> None:
        self._frozen = frozen
        self._trees: dict[tuple[str | None, tuple[str, ...]], ChoiceTree] = {}

    def find(self, question: str | None, choices: Sequence[str]) -> ChoiceTree:
        """The tree of a question; see ``ChoiceTree.build``."""
        key = (question, tuple(choices))
        tree = self._trees.get(key)
        if tree is None:
            tree = ChoiceTree.build(self._frozen, question, choices)
            if len(self._trees) >= _KEPT_TREES:
                self._trees.clear()
            self._trees[key] = tree
        return tree


def text_prefix(frozen: FrozenModel, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Embeddings [B, T, d] and mask [B, T] of texts, for a receiver that reads the text itself."""
    ids, mask = frozen.pad([row or [frozen.begin[0]] for row in frozen.tokenize(texts)])
    return frozen.embed(ids), mask

"""Each objective at a value that is known beforehand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from latentwire.frozen import ChoiceTree, FrozenModel
from latentwire.frozen.scoring import text_prefix
from latentwire.frozen.template import answer_ids, question_ids, token_ids
from latentwire.training.objectives import (
    answer_generation,
    bag_of_words,
    choice_likelihood,
    contrastive,
    diversity,
    first_token_likelihood,
    label_likelihood,
    latent_distillation,
    manifold_anchoring,
    norm_matching,
    reconstruction,
    segment_alignment,
    text_distillation,
)
from random_models import random_frozen

TEXT, QUESTION, ANSWERS = "the card", "Topic:", ("world", "it")


@pytest.fixture(scope="module")
def frozen() -> FrozenModel:
    return random_frozen("llama")


def asked(frozen: FrozenModel) -> tuple[torch.Tensor, list[list[int]], list[list[int]]]:
    """The text as soft tokens [2, P, d], the question twice and two answers of unlike length."""
    prefix, _ = text_prefix(frozen, [TEXT, TEXT])
    questions = [question_ids(frozen.tokenizer, QUESTION)] * 2
    return prefix, questions, [answer_ids(frozen.tokenizer, answer) for answer in ANSWERS]


@torch.no_grad()
def token_losses(frozen: FrozenModel, answer: list[int]) -> list[float]:
    """Loss of each answer token by the library's own pass over ids."""
    ids = [*frozen.begin, *token_ids(frozen.tokenizer, TEXT)]
    ids += question_ids(frozen.tokenizer, QUESTION)
    logits = frozen.model(torch.tensor([ids + answer])).logits[0].log_softmax(-1)
    return [-float(logits[len(ids) - 1 + i, token]) for i, token in enumerate(answer)]


def test_likelihoods_are_those_of_the_receiver_reading(frozen: FrozenModel) -> None:
    prefix, questions, answers = asked(frozen)
    losses = [token_losses(frozen, answer) for answer in answers]
    assert len(losses[0]) > len(losses[1])
    arguments = (frozen, prefix, questions, answers)
    assert float(label_likelihood(*arguments)) == pytest.approx(sum(map(sum, losses)) / 2, rel=1e-4)
    assert float(answer_generation(*arguments)) == pytest.approx(
        sum(map(sum, losses)) / sum(map(len, losses)), rel=1e-4
    )
    assert float(first_token_likelihood(*arguments)) == pytest.approx(
        (losses[0][0] + losses[1][0]) / 2, rel=1e-4
    )
    assert float(answer_generation(frozen, prefix, questions, [[], []])) == 0


def test_choices_compete(frozen: FrozenModel) -> None:
    prefix, _, answers = asked(frozen)
    scores = torch.tensor([-sum(token_losses(frozen, answer)) for answer in answers])
    prefix = prefix.clone().requires_grad_()
    tree = ChoiceTree.build(frozen, QUESTION, ANSWERS)
    loss = choice_likelihood(frozen, prefix, [(tree, 0), (tree, 1)])
    expected = -scores.log_softmax(0).mean()
    assert float(loss.detach()) == pytest.approx(float(expected), rel=1e-4)
    loss.backward()
    assert prefix.grad is not None
    assert prefix.grad.abs().sum() > 0


def test_reading_the_text_itself_has_nothing_to_learn_from_it(frozen: FrozenModel) -> None:
    prefix, questions, answers = asked(frozen)
    same = text_distillation(frozen, prefix, [TEXT, TEXT], questions, answers)
    assert float(same) == pytest.approx(0, abs=1e-6)
    other = text_distillation(frozen, prefix, [TEXT, "a film of 7"], questions, answers)
    assert float(other) > 1e-3


def test_info_nce_of_what_cannot_be_told_apart_is_log_b() -> None:
    same = torch.ones(8, 2, 4)
    assert float(contrastive(same, same)) == pytest.approx(math.log(8))
    told_apart = torch.eye(8)[:, None]
    assert float(contrastive(told_apart, 3 * told_apart)) == pytest.approx(0, abs=1e-4)
    assert float(contrastive(told_apart, told_apart.roll(1, 0))) == pytest.approx(
        1 / 0.07, rel=1e-3
    )


def test_anchoring_counts_from_the_nearest_token() -> None:
    table = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])  # total variance 1
    assert float(manifold_anchoring(table[None].clone(), table)) == 0
    assert float(manifold_anchoring(torch.zeros(1, 3, 2), table)) == pytest.approx(1)
    tokens = torch.tensor([[[1.5, 0.0]]], requires_grad=True)
    loss = manifold_anchoring(tokens, table)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.25)
    assert tokens.grad is not None
    assert tokens.grad.tolist() == [[[1.0, 0.0]]]


def test_alignment_is_with_the_tokens_that_a_soft_token_stands_for() -> None:
    table = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])  # mean 0
    ids = torch.tensor([[0, 0, 2, 1, 3]])
    places = torch.tensor([[0, 2, 1, -1, 3]])  # two have no soft token in a message of three
    pointing = torch.tensor([[[3.0, 0], [0, 7], [9, 0]]])
    # Told from one other token by cosines of 1 and 0, times 20.
    assert float(segment_alignment(pointing, ids, places, table, table.mean(0))) == pytest.approx(
        math.log1p(math.exp(-20)), abs=1e-6
    )
    # The frequent token is missed once of twice, the rare one not: weights of one over the root.
    missed = torch.tensor([[[3.0, 0], [0, 7], [0, 9]]])
    weight = 1 / math.sqrt(2)
    assert float(segment_alignment(missed, ids, places, table, table.mean(0))) == pytest.approx(
        weight * (1 + 20) / (2 * weight + 1), rel=1e-4
    )
    nothing = segment_alignment(
        missed.requires_grad_(), ids, torch.full_like(places, -1), table, table.mean(0)
    )
    nothing.backward()
    assert float(nothing.detach()) == 0


def test_reconstruction_counts_every_text_alike_and_no_padding() -> None:
    torch.manual_seed(0)
    states, mask = torch.randn(2, 5, 3), torch.arange(5)[None] < torch.tensor([[5], [2]])
    padded = torch.where(mask[:, :, None], states, torch.tensor(100.0))
    assert float(reconstruction(padded, states, mask)) == 0
    states = torch.tensor([1.0, 2.0])[:, None, None].expand(2, 5, 3)  # 1 in a text, 2 in the other
    assert float(reconstruction(torch.zeros(2, 5, 3), states, mask)) == pytest.approx((1 + 4) / 2)
    normal = F.layer_norm(torch.randn(2, 5, 8), (5, 8))
    everywhere = torch.ones(2, 5, dtype=torch.bool)
    # Whoever knows no more than the mean of standardized states explains nothing.
    assert float(reconstruction(torch.zeros_like(normal), normal, everywhere)) == pytest.approx(
        1, abs=1e-4
    )


def test_a_bag_of_words_is_at_best_as_dear_as_it_has_words() -> None:
    logits = torch.full((2, 10), -50.0)
    logits[0, [1, 2]] = 50
    logits[1, [3]] = 50
    found = float(bag_of_words(logits, [[1, 2, 1], [3, 3]]))
    assert found == pytest.approx(math.log(2) / 2)
    assert float(bag_of_words(torch.zeros(1, 10), [[4]])) == pytest.approx(math.log(10))


def test_norms_and_diversity() -> None:
    tokens = torch.tensor([[[3.0, 4.0], [0.0, 5.0 * math.e]]])
    assert float(norm_matching(tokens, 5.0)) == pytest.approx(0.5)
    assert float(diversity(torch.eye(3)[None])) == 0
    assert float(diversity(torch.ones(2, 4, 3))) == pytest.approx(1)
    assert float(diversity(torch.ones(2, 1, 3))) == 0


def test_early_latents_weigh_more() -> None:
    teacher = torch.zeros(1, 2, 4)
    first, second = teacher.clone(), teacher.clone()
    first[:, 0], second[:, 1] = 1, 1
    assert float(latent_distillation(first, teacher)) == pytest.approx(2 / 3)
    assert float(latent_distillation(second, teacher)) == pytest.approx(1 / 3)

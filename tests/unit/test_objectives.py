"""Objectives that compare messages through a frozen receiver."""

from __future__ import annotations

import pytest
import torch
from latentwire.frozen import FrozenModel
from latentwire.training.objectives import label_likelihood, message_distillation
from random_models import RandomModel

_QUESTIONS = [[5, 6], [7, 8, 9], [5, 6]]
_ANSWERS = [[10, 11, 2], [12, 2], []]  # the last is not known


@pytest.fixture(scope="module")
def receiver(random_qwen: RandomModel) -> FrozenModel:
    return FrozenModel.load(random_qwen.model)


def messages(receiver: FrozenModel, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(3, 4, receiver.hidden_size, generator=generator)


def test_divergence_is_zero_from_the_same_message_only(receiver: FrozenModel) -> None:
    own, other = messages(receiver, 1), messages(receiver, 2)
    same = message_distillation(receiver, own, own, _QUESTIONS, _ANSWERS)
    far = message_distillation(receiver, own, other, _QUESTIONS, _ANSWERS)
    assert same.item() == pytest.approx(0, abs=1e-6)
    assert far.item() > 1e-4


def test_divergence_counts_rows_without_an_answer_and_teaches_the_learner_only(
    receiver: FrozenModel,
) -> None:
    own, teacher = messages(receiver, 1).requires_grad_(), messages(receiver, 2).requires_grad_()
    message_distillation(receiver, own, teacher, _QUESTIONS, _ANSWERS).backward()
    assert own.grad is not None
    assert all(own.grad[row].abs().sum() > 0 for row in range(3))
    assert teacher.grad is None


def test_each_message_ends_where_its_own_mask_says(receiver: FrozenModel) -> None:
    own, other = messages(receiver, 1), messages(receiver, 2)
    short = torch.tensor([[True, True, True, False]] * 3)
    longer = torch.cat([own[:, :3], other[:, 3:]], dim=1)  # differs where one ends only
    ended = {"mask": short, "teacher_mask": short}
    same = message_distillation(receiver, own, longer, _QUESTIONS, _ANSWERS, **ended)
    assert same.item() == pytest.approx(0, abs=1e-6)
    ended["teacher_mask"] = torch.ones_like(short)
    assert message_distillation(receiver, own, longer, _QUESTIONS, _ANSWERS, **ended).item() > 1e-4


def test_likelihood_leaves_rows_without_an_answer_out(receiver: FrozenModel) -> None:
    soft = messages(receiver, 1).requires_grad_()
    loss = label_likelihood(receiver, soft, _QUESTIONS, _ANSWERS)
    loss.backward()
    assert soft.grad is not None
    assert soft.grad[2].abs().sum() == 0
    known = label_likelihood(receiver, soft[:2], _QUESTIONS[:2], _ANSWERS[:2])
    assert loss.item() == pytest.approx(known.item(), rel=1e-5)

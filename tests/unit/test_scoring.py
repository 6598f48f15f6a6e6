"""Label scores and generation, held against slow references, for both families."""

from __future__ import annotations

import pytest
import torch
from latentwire.frozen import ChoiceTree, FrozenModel, generate, score_choices
from latentwire.frozen.scoring import text_prefix
from latentwire.frozen.template import answer_ids, question_ids, token_ids
from random_models import RandomModel

CHOICES = ["card", "card payment", "card payment fee charged", "top up", "world"]
QUESTION = "Intent:"
TEXTS = ["how do i change my pin ?", "a film", "the card was charged twice for 16 ducks in 2004"]


@pytest.fixture(params=["llama", "qwen"])
def frozen(request: pytest.FixtureRequest) -> FrozenModel:
    made: RandomModel = request.getfixturevalue(f"random_{request.param}")
    return FrozenModel.load(made.model)


@torch.inference_mode()
def naive_score(frozen: FrozenModel, prefix: torch.Tensor, choice: str) -> float:
    """One choice by one pass over prefix [P, d], question and answer, without any mask."""
    question = question_ids(frozen.tokenizer, QUESTION)
    answer = answer_ids(frozen.tokenizer, choice)
    embeddings = torch.cat(
        [
            frozen.embed(torch.tensor(frozen.begin)),
            prefix,
            frozen.embed(torch.tensor(question + answer)),
        ]
    )
    logits = frozen.model(inputs_embeds=embeddings[None]).logits[0].log_softmax(-1)
    first = len(embeddings) - len(answer) - 1
    return float(sum(logits[first + i, token] for i, token in enumerate(answer)))


def prefixes(frozen: FrozenModel, lengths: tuple[int, ...]) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    scale = frozen.embed(torch.arange(50)).std()
    return [torch.randn(n, frozen.hidden_size, generator=generator) * scale for n in lengths]


def padded(rows: list[torch.Tensor], side: str) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(len(row) for row in rows)
    batch = torch.full((len(rows), width, rows[0].shape[1]), 7.0)  # padding is not zero: it must
    mask = torch.zeros(len(rows), width, dtype=torch.bool)  # be masked, not happen to be small
    for i, row in enumerate(rows):
        place = slice(0, len(row)) if side == "right" else slice(width - len(row), width)
        batch[i, place], mask[i, place] = row, True
    return batch, mask


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_tree_scores_what_one_pass_per_choice_scores(frozen: FrozenModel, side: str) -> None:
    rows = prefixes(frozen, (1, 6, 3, 0))
    tree = ChoiceTree.build(frozen, QUESTION, CHOICES)
    scores = score_choices(frozen, *padded(rows, side), tree)
    for row, found in zip(rows, scores, strict=True):
        expected = [naive_score(frozen, row, choice) for choice in CHOICES]
        assert found.tolist() == pytest.approx(expected, abs=2e-4)


def test_an_empty_prefix_is_the_question_alone(frozen: FrozenModel) -> None:
    tree = ChoiceTree.build(frozen, QUESTION, CHOICES)
    nothing = torch.zeros(1, 0, frozen.hidden_size), torch.zeros(1, 0, dtype=torch.bool)
    expected = [naive_score(frozen, nothing[0][0], choice) for choice in CHOICES]
    assert score_choices(frozen, *nothing, tree)[0].tolist() == pytest.approx(expected, abs=2e-4)


def test_choices_share_the_tokens_that_they_begin_with(frozen: FrozenModel) -> None:
    tree = ChoiceTree.build(frozen, QUESTION, CHOICES[:3])
    longest = len(answer_ids(frozen.tokenizer, CHOICES[2])) - 1
    assert len(tree.ids) == longest


def test_reading_a_text_is_reading_its_embeddings(frozen: FrozenModel) -> None:
    """The passage that soft tokens take changes nothing: ids in, the same logits out."""
    prefix, mask = text_prefix(frozen, TEXTS)
    tree = ChoiceTree.build(frozen, QUESTION, CHOICES)
    scores = score_choices(frozen, prefix, mask, tree)
    for text, found in zip(TEXTS, scores, strict=True):
        ids = frozen.begin + token_ids(frozen.tokenizer, text)
        ids += question_ids(frozen.tokenizer, QUESTION)
        answer = answer_ids(frozen.tokenizer, CHOICES[1])
        with torch.inference_mode():
            logits = frozen.model(torch.tensor([ids + answer])).logits[0].log_softmax(-1)
        expected = sum(logits[len(ids) - 1 + i, token] for i, token in enumerate(answer))
        assert float(found[1]) == pytest.approx(float(expected), abs=2e-4)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_changes_no_text_that_is_written(frozen: FrozenModel, side: str) -> None:
    batch = padded(prefixes(frozen, (2, 5, 1)), side)
    together = generate(frozen, *batch, QUESTION, max_new_tokens=8)
    for i in range(3):
        row, mask = batch[0][i : i + 1], batch[1][i : i + 1]
        assert generate(frozen, row[mask][None], mask[mask][None], QUESTION, max_new_tokens=8) == [
            together[i]
        ]


def test_generation_is_that_of_the_library(frozen: FrozenModel) -> None:
    prefix, mask = text_prefix(frozen, TEXTS[:1])
    ids = frozen.begin + token_ids(frozen.tokenizer, TEXTS[0])
    ids += question_ids(frozen.tokenizer, QUESTION)
    written = frozen.model.generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        max_new_tokens=8,
        do_sample=False,
    )
    expected = frozen.tokenizer.decode(written[0, len(ids) :], skip_special_tokens=True).strip()
    assert generate(frozen, prefix, mask, QUESTION, max_new_tokens=8) == [expected]


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 2, 8, 9])
def test_logits_are_the_heads_however_many_rows_there_are(frozen: FrozenModel, rows: int) -> None:
    for shape in ((rows,), (1, rows), (rows, 1)):
        states = torch.randn(*shape, frozen.hidden_size)
        expected = frozen.model.get_output_embeddings()(states)
        torch.testing.assert_close(frozen.logits(states), expected, atol=1e-5, rtol=1e-5)


def test_ids_that_are_kept_are_nobodys_to_change(frozen: FrozenModel) -> None:
    expected = frozen.tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"]
    frozen.tokenize(TEXTS[:1])[0].append(7)
    assert frozen.tokenize(TEXTS[:1]) == [expected]
    assert frozen.tokenize(TEXTS[1:]) == [token_ids(frozen.tokenizer, text) for text in TEXTS[1:]]


def test_padding_changes_no_hidden_state(frozen: FrozenModel) -> None:
    states, mask = frozen.hidden_states(TEXTS, 2)
    for text, row, real in zip(TEXTS, states, mask, strict=True):
        alone, _ = frozen.hidden_states([text], 2)
        torch.testing.assert_close(row[real], alone[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_model_that_is_left_early_gives_the_same_states(frozen: FrozenModel, layer: int) -> None:
    ids, mask = frozen.pad([frozen.begin + row for row in frozen.tokenize(TEXTS)])
    with torch.inference_mode():
        whole = frozen.model.model(
            input_ids=ids, attention_mask=mask.long(), output_hidden_states=True
        )
    states, _ = frozen.hidden_states(TEXTS, layer)
    torch.testing.assert_close(states[mask], whole.hidden_states[layer][mask])


def test_frozen_means_frozen(frozen: FrozenModel) -> None:
    assert not frozen.model.training
    assert all(not parameter.requires_grad for parameter in frozen.model.parameters())

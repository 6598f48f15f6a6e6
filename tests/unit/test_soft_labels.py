"""Answers that are drawn from what somebody holds likely, and where that comes from."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from latentwire.errors import DataError, LatentwireError
from latentwire.tasks import TASKS
from latentwire.training.compute import start_accelerator
from latentwire.training.loop import Trainer
from latentwire.training.recipe import Recipe
from latentwire.training.soft_labels import SoftLabels
from mini_recipes import mini_recipe, mini_stage
from random_models import RandomModel

TASK = "trec"


@pytest.fixture(autouse=True)
def _scripts_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "training"))


@pytest.fixture
def texts(sample_data_dir: Path) -> list[str]:
    return [example.text for example in TASKS[TASK].load("train", sample_data_dir)]


@pytest.fixture
def build(
    random_llama: RandomModel, random_qwen: RandomModel, sample_data_dir: Path, tmp_path: Path
) -> Any:
    """Makes a trainer of one task."""

    def make(**stage: Any) -> Trainer:
        changes = mini_stage(random_llama.model, batch_size=40, **stage)
        recipe = mini_recipe([random_qwen.model], [changes], tasks={TASK: 1.0})
        found = Recipe.model_validate(recipe | {"generic_question_share": 0.0})
        accelerator = start_accelerator()
        return Trainer(found, found.stages[0], tmp_path / "run", sample_data_dir, accelerator)

    return make


def always(answer: int, texts: list[str]) -> SoftLabels:
    table = torch.zeros(len(texts), len(TASKS[TASK].choices))
    table[:, answer] = 1
    return SoftLabels({TASK: table})


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_so_many_rows_are_answered_by_what_is_held_likely(
    build: Any, texts: list[str], tmp_path: Path, share: float
) -> None:
    always(3, texts).save(tmp_path / "soft.safetensors", {TASK: texts})
    hard = build()
    soft = build(soft_labels=str(tmp_path / "soft.safetensors"), soft_label_share=share)
    answers = next(iter(hard.batches.dialogues.values())).answers[TASK]
    drawn = answered(soft)
    assert all(answer in (answers[3], answers[label]) for answer, label in drawn)
    others = [answer == answers[3] for answer, label in drawn if label != 3]
    assert abs(sum(others) / len(others) - share) < 0.15
    assert all(answer == answers[label] for answer, label in answered(hard))


def answered(trainer: Trainer) -> list[tuple[list[int], int]]:
    """The answer that each row of some batches is given, and its label."""
    batches = [trainer.batches.draw(step) for step in range(4)]
    return [
        (answer, trainer.batches.rows.labels[row])
        for batch in batches
        for row, answer in zip(batch.rows, batch.answers, strict=True)
    ]


def test_answers_come_as_often_as_they_are_likely() -> None:
    soft = SoftLabels({TASK: torch.tensor([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])})
    rng = random.Random(1)
    drawn = [soft.draw(TASK, 0, rng) for _ in range(2000)]
    assert abs(drawn.count(2) / 2000 - 0.75) < 0.04
    assert 0 not in drawn
    assert {soft.draw(TASK, 1, rng) for _ in range(50)} == {0}


def test_a_file_is_of_the_rows_that_it_judged(texts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "soft.safetensors"
    always(1, texts).save(path, {TASK: texts})
    found = SoftLabels.load(path, {TASK: texts, "sst2": ["fine"]})
    assert torch.equal(found.tables[TASK], always(1, texts).tables[TASK])
    for others, words in (
        ({TASK: texts[:-1]}, "rows"),
        ({TASK: [*texts[:-2], texts[-1], texts[-2]]}, "another order"),
        ({"sst2": ["fine"]}, "trec"),
    ):
        with pytest.raises(DataError, match=words):
            SoftLabels.load(path, others)


def test_what_is_no_such_file_is_refused(texts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "soft.safetensors"
    with pytest.raises(DataError, match="no file"):
        SoftLabels.load(path, {TASK: texts})
    path.write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(DataError, match="damaged"):
        SoftLabels.load(path, {TASK: texts})
    narrow = SoftLabels({TASK: torch.ones(len(texts), 1)})
    narrow.save(path, {TASK: texts})
    with pytest.raises(DataError, match="6 answers"):
        SoftLabels.load(path, {TASK: texts})
    for worst in (2.0, float("nan"), -1.0):
        soft = always(1, texts)
        soft.tables[TASK][0, 0] = worst
        soft.save(path, {TASK: texts})
        with pytest.raises(DataError, match="no probabilities"):
            SoftLabels.load(path, {TASK: texts})


def test_a_missing_file_is_noticed_before_the_first_step(build: Any, tmp_path: Path) -> None:
    with pytest.raises(LatentwireError, match="no file"):
        build(soft_labels=str(tmp_path / "nowhere"))


def test_every_row_is_judged_by_a_copy_that_has_not_seen_it(
    random_llama: RandomModel, sample_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import write_soft_labels

    rows = {TASK: TASKS[TASK].load("train", sample_data_dir)}
    text_of = {example.text: row for row, example in enumerate(rows[TASK])}
    assert len(text_of) == len(rows[TASK])
    read: dict[bool, set[int]] = {True: set(), False: set()}
    forward = write_soft_labels.FineTuned.forward

    def watched(self: Any, task: str, texts: list[str]) -> torch.Tensor:
        read[self.training] |= {text_of[text] for text in texts}
        found: torch.Tensor = forward(self, task, texts)
        return found

    monkeypatch.setattr(write_soft_labels.FineTuned, "forward", watched)
    monkeypatch.setattr(write_soft_labels, "EPOCHS", {TASK: 1})
    judged = write_soft_labels.judge_fold(random_llama.model, rows, 1, 3, 1)[TASK]
    every = set(range(len(rows[TASK])))
    assert read[False] == {row for row in every if row % 3 == 1}
    assert read[True] == every - read[False]
    assert judged.shape == (len(read[False]), len(TASKS[TASK].choices))
    assert torch.isfinite(judged).all()


def test_the_script_writes_what_recipes_take(
    random_llama: RandomModel,
    sample_data_dir: Path,
    tmp_path: Path,
    texts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import write_soft_labels

    path = tmp_path / "soft.safetensors"
    options = ["--sender", random_llama.model, "--tasks", TASK, "--workers", "1"]
    options += ["--data-dir", str(sample_data_dir), "--output", str(path)]
    monkeypatch.setattr("sys.argv", ["write_soft_labels.py", *options])
    write_soft_labels.main()
    figures = json.loads(capsys.readouterr().out)
    assert 0 <= figures[TASK]["accuracy"] <= 100
    table = SoftLabels.load(path, {TASK: texts}).tables[TASK]
    assert len(table.unique(dim=0)) > len(texts) // 2  # a judgement of each


@pytest.mark.parametrize(
    "options",
    [
        ["--folds", "1"],
        ["--workers", "0"],
        ["--tasks", "poems"],
        ["--output", "no/such/folder/soft"],
        ["--sender", "nobody"],
    ],
)
def test_what_the_script_cannot_do_is_refused_at_once(
    options: list[str],
    tmp_path: Path,
    sample_data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import write_soft_labels

    usual = ["--output", str(tmp_path / "soft"), "--data-dir", str(sample_data_dir)]
    monkeypatch.setattr("sys.argv", ["write_soft_labels.py", *usual, *options])
    monkeypatch.setattr(write_soft_labels, "judge_fold", None)
    with pytest.raises(SystemExit) as ended:
        write_soft_labels.main()
    assert ended.value.code not in (None, 0)
    assert not (tmp_path / "soft").exists()


def test_a_temperature_makes_certainty_fit() -> None:
    from write_soft_labels import temperature

    labels = torch.tensor([0] * 7 + [1] * 3)
    logits = torch.tensor([[3.0, 0.0]]).expand(10, 2)  # sure of what is right seven times of ten
    probability = float((logits[0] / temperature(logits, labels)).softmax(0)[0])
    assert abs(probability - 0.7) < 0.01

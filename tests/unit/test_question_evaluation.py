"""Figures of questions: each path is judged as said, and nothing is computed twice."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from latentwire.errors import UsageError
from latentwire.evaluation.parts_at_hand import only_kind
from latentwire.evaluation.question_figures import QuestionEvaluation
from latentwire.evaluation.question_report import write_question_report
from latentwire.evaluation.question_rows import QuestionRows
from latentwire.evaluation.question_run import run_question_evaluation
from latentwire.judging import judge
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.tasks.asked import Asked
from random_models import RandomModel
from rich.progress import Progress


def asked(text: str, answer: str) -> Asked:
    return Asked(text, "Who has it: Ann, Ben or Tom?", ("Ann", "Ben", "Tom"), answer, "who")


def load_pair(sends: RandomModel, reads: RandomModel) -> tuple[Sender, Receiver]:
    return (
        Sender.from_pretrained(sends.model, encoder=sends.encoder),
        Receiver.from_pretrained(reads.model, adapter=reads.adapter),
    )


ROWS = QuestionRows(
    "who",
    [asked(f"{name} has it , {number} of {number}", name) for number in range(4)
     for name in ("Ann", "Ben", "Tom")],
)  # fmt: skip


def test_every_path_is_judged_by_the_message_that_it_names(
    random_llama: RandomModel, random_qwen: RandomModel, tmp_path: Path
) -> None:
    sender, receiver = load_pair(random_llama, random_qwen)
    with Progress(disable=True) as bars:
        run = QuestionEvaluation(tmp_path, {"a": sender}, {"b": receiver}, bars)
        found = {figure.path: figure for figure in run([ROWS])}
    assert list(found) == ["text", "no message", "latent", "zero message", "other message"]
    others = ROWS.others()
    for path, rows in (("latent", range(12)), ("other message", others)):
        right = 0
        for row, sent in enumerate(rows):
            packet = bytes(sender.encode(ROWS.asked[sent].text))
            judged = judge(receiver.frozen, *receiver.read([packet]), [ROWS.asked[row]])
            right += int(judged.are_right[0])
        assert found[path].accuracy.percent == round(100 * right / 12, 2)
        assert found[path].majority_percent == round(100 / 3, 1)
    text = write_question_report(list(found.values()), tmp_path, "command", "All.")
    assert f"| who | 12 | 33.3 | {found['no message'].accuracy.percent:.1f} |" in text

    class Deaf:
        """No sender at all: whatever asks it fails."""

        ref = sender.ref

    with Progress(disable=True) as bars:
        again = QuestionEvaluation(tmp_path, {"a": Deaf()}, {"b": receiver}, bars)  # type: ignore[dict-item]
        assert again([ROWS]) == list(found.values())


def test_another_message_is_of_another_text_and_numbers_are_told_apart_by_length() -> None:
    texts = ["one", "one", "one", "two"]
    rows = QuestionRows(
        "count",
        [Asked(t, "?", None, str(a), "count") for t, a in zip(texts, (1, 22, 3, 4), strict=True)],
    )
    assert [texts[row] for row in rows.others()] == ["two", "two", "two", "one"]
    groups = rows.groups()
    assert {name: int(chosen.sum()) for name, chosen in groups.items()} == {
        "count": 4, "count, 1 digit": 3, "count, 2 digits": 1
    }  # fmt: skip
    assert rows.majority_percent(groups["count"]) == 25


def test_a_part_trained_for_one_kind_stands_beside(
    random_llama: RandomModel, random_qwen: RandomModel, tmp_path: Path
) -> None:
    sender, receiver = load_pair(random_llama, random_qwen)
    with Progress(disable=True) as bars:
        evaluate = partial(QuestionEvaluation, tmp_path, {"a": sender}, {"b": receiver}, bars)
        mixed = evaluate()([ROWS])
        [alone] = evaluate(beside="alone")([ROWS])
        [again] = evaluate(beside="other seed")([ROWS])
    [latent] = [figure for figure in mixed if figure.path == "latent"]
    assert alone == replace(latent, path="alone")  # the same parts here
    plain = write_question_report(mixed, tmp_path, "command", "All.")
    beside = write_question_report([*mixed, alone], tmp_path, "command", "All.")
    found = f"{alone.accuracy.percent:.1f} ({alone.accuracy.low:.1f} to {alone.accuracy.high:.1f})"
    assert f"| {found} |" in beside
    assert "trained for it alone" not in plain
    worse = replace(again, accuracy=replace(again.accuracy, percent=latent.accuracy.percent - 3))
    over_seeds = write_question_report([*mixed, worse], tmp_path, "command", "All.")
    assert f"**{latent.accuracy.percent - 1.5:.1f}** ± 2.1 |" in over_seeds
    assert "Messages are of 2 seeds" in over_seeds
    assert "seeds" not in plain


def test_a_run_for_one_kind_says_which(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    with pytest.raises(UsageError, match="is not a run's recipe"):
        only_kind(tmp_path)
    recipe.write_text('{"tasks": {"trec": 0.0}, "questions": {"how_many": 1.0, "who_did": 0.0}}')
    assert only_kind(tmp_path) == "how_many"
    recipe.write_text('{"tasks": {"trec": 1.0, "sst2": 0.0}, "questions": {}}')
    assert only_kind(tmp_path) == "trec"
    recipe.write_text('{"tasks": {}, "questions": {"how_many": 1.0, "who_did": 1.0}}')
    with pytest.raises(UsageError, match="trained for 2 kinds of questions, not for one alone"):
        only_kind(tmp_path)


def test_a_run_that_cannot_stand_beside_is_refused_at_once(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.json").write_text('{"tasks": {}, "questions": {"how_many": 1.0}}')
    with pytest.raises(UsageError, match="trained for how_many alone, which is not measured"):
        run_question_evaluation(tmp_path / "out", kinds=["story_what"], alone=[run])
    with pytest.raises(UsageError, match="holds no encoder"):
        run_question_evaluation(tmp_path / "out", kinds=["how_many"], alone=[run])
    assert not (tmp_path / "out").exists()


def test_runs_for_one_kind_are_measured_on_it_alone(
    random_llama: RandomModel, random_qwen: RandomModel, sample_data_dir: Path, tmp_path: Path
) -> None:
    runs = [tmp_path / name for name in ("mixed", "alone", "again")]
    for run in runs:
        shutil.copytree(random_llama.encoder, run / "encoders" / "a")
        shutil.copytree(random_qwen.adapter, run / "adapters" / "b")
        (run / "recipe.json").write_text('{"tasks": {}, "questions": {"story_what": 1.0}}')
    measure = partial(
        run_question_evaluation,
        tmp_path / "out",
        data_dir=sample_data_dir,
        run_dir=runs[0],
        kinds=["story_what", "story_who_has"],
        limit=4,
    )
    with pytest.raises(UsageError, match="as another run was that is named before it"):
        measure(alone=runs[1:])
    assert not (tmp_path / "out").exists()
    found = measure(alone=runs[1:2], other_seeds=runs[2:])
    assert [figure.kind for figure in found if figure.path == "alone"] == ["story_what"]
    for path in ("latent", "other seed"):
        kinds = [figure.kind for figure in found if figure.path == path]
        assert kinds == ["story_what", "story_who_has"]


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no kind of question 'who_knows'"):
        run_question_evaluation(tmp_path / "out", kinds=["who_knows"])
    with pytest.raises(UsageError, match="holds no encoder"):
        run_question_evaluation(tmp_path / "out", run_dir=tmp_path, kinds=["story_what"])
    assert not (tmp_path / "out").exists()

"""Questions that the sender never sees: right by the text, and no better guessed than by chance."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from latentwire.errors import ChoicesError, UsageError
from latentwire.tasks import TASKS, TREC, TREC_FINE
from latentwire.tasks.asked import (
    BOOLQ,
    QUESTION_SETS,
    SQUAD,
    Asked,
    Candidate,
    ContrastQuestions,
    group_by_text,
    majority_rate,
)
from latentwire.tasks.asked.actor import actors
from latentwire.tasks.asked.contrast import CHOICES, words_of
from latentwire.tasks.asked.counted import counted
from latentwire.tasks.asked.masked import masked
from latentwire.tasks.asked.occurring import names, numbers, words
from latentwire.tasks.base import Split
from test_stories import read

CONTRAST = {k: q for k, q in QUESTION_SETS.items() if isinstance(q, ContrastQuestions)}
STORY = [kind for kind in QUESTION_SETS if kind.startswith("story_")]


# --- Asked ---------------------------------------------------------------------------------------


def test_the_answer_is_one_of_different_choices() -> None:
    assert Asked("t", "q", ("a", "b"), "b", "k").label == 1
    assert Asked("t", "q", None, "b", "k").label is None
    for choices in (("a", "c"), ("b", "b"), ("b",), ()):
        with pytest.raises(ChoicesError):
            Asked("t", "q", choices, "b", "k")


def test_majority_rate_is_the_best_constant_guess() -> None:
    rows = [Asked(str(n), "q", ("a", "b"), "a" if n < 7 else "b", "k") for n in range(10)]
    assert majority_rate(rows) == 0.7
    # Other answers each time, but always in the second place of the list.
    rows = [Asked("t", "q", (f"x{n}", f"y{n}"), f"y{n}", "k") for n in range(4)]
    assert majority_rate(rows) == 1.0
    assert majority_rate([Asked("t", "q", None, str(n // 2), "k") for n in range(6)]) == 2 / 6
    with pytest.raises(ValueError, match="no rows"):
        majority_rate([])


def test_questions_of_a_text_are_brought_together() -> None:
    rows = [Asked(t, q, None, "a", "k") for t, q in (("x", "1"), ("y", "2"), ("x", "3"))]
    assert [[r.question for r in g] for g in group_by_text(rows).values()] == [["1", "3"], ["2"]]


# --- Extractors ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extract", "text", "expected"),
    [
        (
            names,
            "Talks between Ford Motor and Mary Ann Smith of Los Angeles-based Sun on Friday.",
            {"Ford Motor", "Mary Ann Smith", "Sun"},
        ),
        (numbers, "In 2004 some 12 of 3,500 paid $5 or 7.5 for 3-0, 9 lost.", {"2004", "12", "9"}),
        (words, "this lovely don't re-make was about Paris nights", {"lovely", "nights"}),
        (
            counted,
            "Six people and 40 young men met 12 others in two days, then 3 days.",
            {"6", "40"},
        ),
        (
            actors,
            "AP - Microsoft said Ford Motor won, after Sun Inc announced it.",
            {"Microsoft", "Sun Inc"},
        ),
        (
            masked,
            "an odd film with a clever plot and a clever end in sight now",
            {"clever", "film", "plot"},
        ),
    ],
)
def test_extractors(
    extract: Callable[[str], Sequence[Candidate]], text: str, expected: set[str]
) -> None:
    assert {candidate.item for candidate in extract(text)} == expected


# --- Contrast sets -------------------------------------------------------------------------------


def pool(size: int) -> list[str]:
    """Texts of a noun that is counted, some with the same number, one with it in a word."""
    counts = [2 + n % 11 for n in range(size)]
    return [f"Number {n}x: police found {c} people at home." for n, c in enumerate(counts)] + [
        "The two men saw twelve people, twelve."
    ]


@pytest.mark.parametrize("kind", CONTRAST)
def test_each_choice_and_place_of_a_contrast_set_is_right_once(
    kind: str, sample_data_dir: Path
) -> None:
    texts = [e.text for t in TASKS.values() for e in t.load("train", sample_data_dir)]
    rows = CONTRAST[kind].ask([texts, pool(60)])
    if kind == "who_did":
        rows = CONTRAST[kind].ask([[f"Actor{chr(97 + n)} won again." for n in range(20)]])
    assert rows
    sets = defaultdict(list)
    for row in rows:
        assert row.choices is not None
        sets[row.question, row.choices].append(row)
        assert words_of(row.answer) in words_of(row.text)
        for other in set(row.choices) - {row.answer}:
            assert words_of(other) not in words_of(row.text)
        assert all(choice in row.question for choice in row.choices)
    for (_, choices), members in sets.items():
        assert sorted(row.answer for row in members) == sorted(choices)
        assert len({row.text for row in members}) == CHOICES
    assert max(Counter(row.text for row in rows).values()) == 1
    assert majority_rate(rows) == 1 / CHOICES


def test_number_words_count_as_their_digits() -> None:
    rows = CONTRAST["how_many"].ask([pool(11)])
    by_text = {row.text: row for row in rows}
    assert len(rows) >= 8
    for text, row in by_text.items():
        if "twelve" in text:
            assert row.answer == "12"
            assert row.choices is not None
            assert "2" not in row.choices  # "two" stands in the text


def test_a_text_is_asked_one_question_of_a_kind() -> None:
    texts = [f"They saw {n} dogs and {n + 20} cats." for n in range(2, 10)]
    rows = CONTRAST["how_many"].ask([texts])
    assert sorted(row.text for row in rows) == sorted(texts)
    assert {row.question.split(":")[0] for row in rows} <= {"How many dogs", "How many cats"}


def test_contrast_sets_are_drawn_by_the_seed(sample_data_dir: Path) -> None:
    questions = QUESTION_SETS["occurring_word"]
    rows = questions.load("train", sample_data_dir, seed=1)
    assert rows == questions.load("train", sample_data_dir, seed=1)
    assert rows != questions.load("train", sample_data_dir, seed=2)
    few = questions.load("train", sample_data_dir, seed=1, limit=10)
    assert len(few) == 8  # whole sets only
    assert set(few) <= set(rows)
    assert majority_rate(few) == 1 / CHOICES


def test_distractors_come_from_the_same_split_and_label(sample_data_dir: Path) -> None:
    examples = TREC.load("test", sample_data_dir)
    label_of = {e.text: e.label for e in examples}
    rows = ContrastQuestions("k", words, (TREC,), same_label=True).load("test", sample_data_dir)
    labels = defaultdict(set)
    for row in rows:
        labels[row.choices].add(label_of[row.text])
    assert rows
    assert all(len(found) == 1 for found in labels.values())


def test_rows_of_a_set_are_spread(sample_data_dir: Path) -> None:
    rows = QUESTION_SETS["occurring_word"].load("train", sample_data_dir)
    same = sum(one.choices == other.choices for one, other in pairwise(rows))
    assert same / len(rows) < 0.1  # sorted sets would have 0.75


# --- Stories -------------------------------------------------------------------------------------


def answer_from(text: str, question: str) -> str:
    """The answer by the sentences of the text alone."""
    found = read(text, "test")
    stem = re.split(r"[:?]", question)[0]
    if match := re.fullmatch(r"How many (\w+) does (\w+) have at first", stem):
        return str(found.first[match[2], match[1]])
    if match := re.fullmatch(r"How many (\w+) does (\w+) have now", stem):
        return str(found.last[match[2], match[1]])
    if match := re.fullmatch(r"How many (\w+) does (\w+) (\w+)", stem):
        return only(
            str(n) for a, p, t, n, _ in found.done if (a, p, t) == (match[3], match[2], match[1])
        )
    if match := re.fullmatch(r"Who has (\d+) at first", stem):
        return only(p for (p, _), n in found.first.items() if n == int(match[1]))
    if match := re.fullmatch(r"Who has (\w+)", stem):
        return only(p for p, t in found.first if t == match[1])
    if match := re.fullmatch(r"Who is given (\w+)", stem):
        return only(o for a, _, t, _, o in found.done if a == "give" and t == match[1] and o)
    if match := re.fullmatch(r"Who (\w+?)s (\w+)", stem):
        return only(p for a, p, t, *_ in found.done if (a, t) == (match[1], match[2]))
    if match := re.fullmatch(r"What does (\w+) have (\d+) of at first", stem):
        return only(t for (p, t), n in found.first.items() if (p, n) == (match[1], int(match[2])))
    if match := re.fullmatch(r"What does (\w+) have", stem):
        return only(t for p, t in found.first if p == match[1])
    match = re.fullmatch(r"What does (\w+) (\w+)", stem)
    assert match, stem
    return only(t for a, p, t, *_ in found.done if (a, p) == (match[2], match[1]))


def only(answers: object) -> str:
    found = list(answers)  # type: ignore[call-overload]
    assert len(found) == 1
    return str(found[0])


@pytest.mark.parametrize("kind", STORY)
def test_answers_follow_from_the_text(kind: str) -> None:
    rows = QUESTION_SETS[kind].load("test", limit=400, seed=4)
    assert len(rows) == 400
    for row in rows:
        assert answer_from(row.text, row.question) == row.answer, row


@pytest.mark.parametrize(("kind", "steps"), [("story_one_step", 1), ("story_two_steps", 2)])
def test_steps_are_what_the_kind_says(kind: str, steps: int) -> None:
    for row in QUESTION_SETS[kind].load("test", limit=200):
        thing, person = re.findall(r"How many (\w+) does (\w+) have now", row.question)[0]
        assert read(row.text, "test").operations[person, thing] == steps


@pytest.mark.parametrize("kind", ["story_who_has", "story_who_did", "story_what"])
def test_neither_place_nor_frequency_gives_the_answer(kind: str) -> None:
    """Guessing whom the text names first, last or most often is as good as any guess."""
    rows = QUESTION_SETS[kind].load("train", limit=1200)
    does = sum(" have " not in row.question and " has " not in row.question for row in rows)
    assert does / len(rows) == {"story_who_has": 0, "story_who_did": 1}.get(kind, does / len(rows))
    assert kind != "story_what" or does > 200
    hits: Counter[str] = Counter()
    chance = 0.0
    in_order = 0
    for row in rows:
        assert row.choices is not None
        chance += 1 / len(row.choices)
        # Things may stand in the singular.
        places = {
            choice: [m.start() for m in re.finditer(rf"\b{choice.rstrip('s')}s?\b", row.text)]
            for choice in row.choices
        }
        first = {choice: found[0] for choice, found in places.items()}
        last = {choice: found[-1] for choice, found in places.items()}
        often = {choice: len(found) for choice, found in places.items()}
        if not re.search(r" ha(s|ve)\b", row.question):
            assert len(set(often.values())) == 1, row
        in_order += list(row.choices) == sorted(first, key=first.__getitem__)
        hits["first"] += min(first, key=first.__getitem__) == row.answer
        hits["last"] += max(last, key=last.__getitem__) == row.answer
        top = [choice for choice in row.choices if often[choice] == max(often.values())]
        hits["often"] += top[0] == row.answer
        hits["listed first"] += row.label == 0
    assert in_order / len(rows) < 0.6  # the list is not that of the text
    for guess, count in hits.items():
        assert abs(count - chance) / len(rows) < 0.06, (guess, count, chance)


def test_kinds_ask_the_same_stories_without_any_file() -> None:
    texts = [{row.text for row in QUESTION_SETS[kind].load("validation")} for kind in STORY]
    everything = set.union(*texts)
    assert len(everything) <= 1000
    assert texts[0] == everything  # a quantity can be asked for in every story
    assert all(text & texts[0] for text in texts)


@pytest.mark.parametrize("kind", [k for k in STORY if k.split("_")[1] not in ("who", "what")])
def test_no_number_is_a_good_guess(kind: str) -> None:
    rows = QUESTION_SETS[kind].load("test")
    for digits, most in ((1, 0.2), (2, 0.05), (3, 0.02)):
        found = [row for row in rows if len(row.answer) == digits]
        assert len(found) > 150
        assert majority_rate(found) < most


# --- Labels and passages -------------------------------------------------------------------------


def test_labels_are_one_kind_among_others(sample_data_dir: Path) -> None:
    rows = QUESTION_SETS["trec"].load("test", sample_data_dir, limit=7)
    examples = TREC.load("test", sample_data_dir)[:7]
    assert [(row.text, row.label) for row in rows] == [(e.text, e.label) for e in examples]
    assert {row.question for row in rows} == {"Question type:"}


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_finer_labels_are_of_the_same_rows_and_agree_with_the_coarse_ones(
    sample_data_dir: Path, split: Split
) -> None:
    coarse, fine = TREC.load(split, sample_data_dir), TREC_FINE.load(split, sample_data_dir)
    assert [row.text for row in fine] == [row.text for row in coarse]
    prefixes = ["ABBR", "ENTY", "DESC", "HUM", "LOC", "NUM"]  # in the order of the coarse labels
    labels = list(TREC_FINE.label_to_answer)
    assert [prefixes[row.label] for row in coarse] == [
        labels[row.label].split(":")[0] for row in fine
    ]


def test_a_row_without_a_finer_label_is_named(tmp_path: Path) -> None:
    write_rows(tmp_path / "trec" / "test.jsonl.gz", [{"text": "Who ?", "label": "human"}])
    assert len(TREC.load("test", tmp_path)) == 1
    with pytest.raises(UsageError, match=r"line 1: fine_label None is not one of the 50 labels"):
        TREC_FINE.load("test", tmp_path)


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    import gzip
    import json

    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def test_boolq_is_split_by_passage(tmp_path: Path) -> None:
    rows = [
        {"question": f"is it {n}", "passage": f"Passage {n // 2}.", "answer": n % 2 == 0}
        for n in range(80)
    ]
    write_rows(tmp_path / "boolq" / "train.jsonl.gz", rows)  # type: ignore[arg-type]
    train, validation = BOOLQ.load("train", tmp_path), BOOLQ.load("validation", tmp_path)
    assert len(train) + len(validation) == 80
    assert len({row.text for row in validation}) == 4
    assert not {row.text for row in train} & {row.text for row in validation}
    assert Asked("Passage 0.", "is it 0?", ("no", "yes"), "yes", "boolq") in train + validation
    assert BOOLQ.load("train", tmp_path, limit=5) == train[:5]


def test_squad_is_read_from_either_layout(tmp_path: Path) -> None:
    ours = {"question": "How many?", "passage": "They gave up 308.", "answers": ["308"]}
    hub = {
        "question": "How many?",
        "context": "They gave up 308.",
        "answers": {"text": ["308", "308", "just 308"], "answer_start": [13, 13, 8]},
    }
    write_rows(tmp_path / "squad_dev_subset" / "test.jsonl.gz", [ours])  # type: ignore[list-item]
    (row,) = SQUAD.load("test", tmp_path)
    assert (row.text, row.answer, row.aliases) == ("They gave up 308.", "308", ())
    assert SQUAD.ask([hub])[0].aliases == ("just 308",)
    with pytest.raises(UsageError, match=r"train.jsonl.gz does not exist") as error:
        SQUAD.load("train", tmp_path)
    assert "rajpurkar/squad" in str(error.value.hint)

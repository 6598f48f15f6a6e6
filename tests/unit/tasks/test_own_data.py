"""Tasks of the user's own: every format, every split, and what is wrong said before it costs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import datasets
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from latentwire.errors import (
    ChoicesError,
    DataError,
    EmptyTextError,
    LatentwireError,
    TextTooLongError,
    UsageError,
)
from latentwire.tasks import TREC, Task
from latentwire.tasks.asked.labels import LabelQuestions
from latentwire.tasks.prompt_template import PromptTemplate
from latentwire.text import MAX_TEXT_BYTES

SPAM = {"spam": "unwanted", "ham": "wanted"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is left in the user's cache, and no progress bars in the output."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def rows(count: int = 40) -> list[dict[str, object]]:
    """Rows whose label follows from their text."""
    return [
        {"body": f'mail, "{n}" of mine', "kind": "spam" if n % 2 else "ham"} for n in range(count)
    ]


def write_csv(path: Path, found: list[dict[str, object]], separator: str = ",") -> Path:
    lines = [separator.join(found[0])]
    for row in found:
        cells = (str(cell).replace('"', '""') for cell in row.values())
        lines.append(separator.join(f'"{cell}"' for cell in cells))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_jsonl(path: Path, found: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    return path


def write_packed(path: Path, found: list[dict[str, object]]) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in found)
    return path


def write_parquet(path: Path, found: list[dict[str, object]]) -> Path:
    Dataset.from_list(found).to_parquet(path)
    return path


def spam(path: Path) -> Task:
    return Task.from_file(
        path, text_column="body", label_column="kind", question="Mail:", verbalizers=SPAM
    )


# --- Formats and splits --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("mail.csv", write_csv),
        ("mail.tsv", lambda path, found: write_csv(path, found, "\t")),
        ("mail.jsonl", write_jsonl),
        ("mail.jsonl.gz", write_packed),
        ("mail.parquet", write_parquet),
    ],
)
def test_formats(
    tmp_path: Path, name: str, write: Callable[[Path, list[dict[str, object]]], Path]
) -> None:
    task = spam(write(tmp_path / name, rows()))
    assert (task.name, task.question, task.choices) == ("mail", "Mail:", ("unwanted", "wanted"))
    splits = [task.load(split) for split in ("train", "validation", "test")]  # type: ignore[arg-type]
    assert [len(split) for split in splits] == [33, 3, 4]
    found = {example.text: example.label for split in splits for example in split}
    assert found == {str(row["body"]): row["kind"] == "ham" for row in rows()}


def test_repeated_texts_are_on_one_side(tmp_path: Path) -> None:
    task = spam(write_jsonl(tmp_path / "mail.jsonl", rows() * 3))
    texts = [
        {e.text for e in task.load(split)}  # type: ignore[arg-type]
        for split in ("train", "validation", "test")
    ]
    assert sum(len(t) for t in texts) == len(set.union(*texts)) == 40
    assert len(task.load("test")) == 12


def test_loading_is_shuffled_and_repeatable(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "mail.csv", rows())
    order = [example.text for example in spam(path).load("train")]
    assert order == [example.text for example in spam(path).load("train")]
    assert order != sorted(order, key=[str(row["body"]) for row in rows()].index)


def test_a_folder_keeps_its_splits(tmp_path: Path) -> None:
    found = rows()
    write_csv(tmp_path / "train.csv", found[:30])
    write_csv(tmp_path / "test.csv", found[30:])
    (tmp_path / "README.md").write_text("not data", encoding="utf-8")
    task = spam(tmp_path)
    assert {e.text for e in task.load("test")} == {str(row["body"]) for row in found[30:]}
    assert len(task.load("validation")) == 3
    write_csv(tmp_path / "validation.csv", found[:2])
    task = spam(tmp_path)
    assert (len(task.load("train")), len(task.load("validation"))) == (30, 2)


def test_the_shipped_layout_is_such_a_folder(sample_data_dir: Path) -> None:
    task = Task.from_file(
        sample_data_dir / "trec", question=TREC.question, verbalizers=TREC.label_to_answer
    )
    expected = TREC.load("test", sample_data_dir)
    assert sorted(task.load("test"), key=repr) == sorted(expected, key=repr)
    assert task == TREC


def test_cells_are_read_as_they_are_written(tmp_path: Path) -> None:
    """Pandas would read no value, a number and a Boolean."""
    texts = ["NA", "null", "007", "1.0", "True", "zürich ☃"]
    found: list[dict[str, object]] = [
        {"text": text, "label": label} for text in texts for label in ("01", "NA")
    ] + [{"text": f"filler {n}", "label": "01"} for n in range(20)]
    task = Task.from_file(write_csv(tmp_path / "x.csv", found))
    assert task.choices == ("01", "NA")
    loaded = {e.text for split in ("train", "validation", "test") for e in task.load(split)}  # type: ignore[arg-type]
    assert set(texts) <= loaded


def test_numbers_keep_their_zeros(tmp_path: Path) -> None:
    found: list[dict[str, object]] = [
        {"text": f"00{n}", "label": f"0{n % 2}"} for n in range(10, 40)
    ]
    task = Task.from_file(write_csv(tmp_path / "x.csv", found))
    assert task.choices == ("00", "01")
    assert all(e.text.startswith("00") for e in task.load("train"))


def test_labels_of_json_are_words(tmp_path: Path) -> None:
    found: list[dict[str, object]] = [{"text": f"t{n}", "label": n % 2 == 0} for n in range(30)]
    assert Task.from_file(write_jsonl(tmp_path / "b.jsonl", found)).choices == ("false", "true")
    found = [{"text": f"t{n}", "label": n % 3} for n in range(30)]
    task = Task.from_file(
        write_jsonl(tmp_path / "i.jsonl", found), verbalizers={"2": "b", "0": "a", "1": "c"}
    )
    assert task.choices == ("b", "a", "c")
    assert all(found[int(e.text[1:])]["label"] == (2, 0, 1)[e.label] for e in task.load("train"))


def hub_like(folder: Path, *, labelled_test: bool) -> Path:
    """A data set as the hub stores it: Parquet, with names of labels."""
    features = Features({"sentence": Value("string"), "y": ClassLabel(names=["bad", "very_good"])})
    (folder / "data").mkdir(parents=True)
    for split, count in (("train", 30), ("validation", 5), ("test", 6)):
        labels = [n % 2 if split != "test" or labelled_test else -1 for n in range(count)]
        Dataset.from_dict(
            {"sentence": [f"{split} {n}" for n in range(count)], "y": labels}, features
        ).to_parquet(folder / "data" / f"{split}-00000-of-00001.parquet")
    return folder


def test_hub_data_with_names_of_labels(tmp_path: Path) -> None:
    hub = str(hub_like(tmp_path / "movies", labelled_test=True))
    task = Task.from_hub(hub, text_column="sentence", label_column="y", question="Good?")
    assert (task.name, task.choices) == ("movies", ("bad", "very good"))
    assert all(e.label == int(e.text.split()[1]) % 2 for e in task.load("test"))
    lengths = [len(task.load(s)) for s in ("train", "validation", "test")]  # type: ignore[arg-type]
    assert lengths == [30, 5, 6]


def test_hub_data_without_labels_of_the_test(tmp_path: Path) -> None:
    hub = str(hub_like(tmp_path / "movies", labelled_test=False))
    with pytest.raises(
        DataError, match=r"test split, column 'y': labels .* '-1' \(row 1\)"
    ) as error:
        Task.from_hub(hub, text_column="sentence", label_column="y")
    assert "another split" in str(error.value.hint)
    task = Task.from_hub(hub, text_column="sentence", label_column="y", test_split="validation")
    assert {e.text.split()[0] for e in task.load("test")} == {"validation"}
    assert {e.text.split()[0] for e in task.load("validation")} == {"train"}
    assert len(task.load("validation")) == 3
    with pytest.raises(DataError, match="no split 'dev'; there are: train, validation, test"):
        Task.from_hub(hub, text_column="sentence", label_column="y", test_split="dev")


def test_own_tasks_are_asked_like_others(tmp_path: Path) -> None:
    task = spam(write_csv(tmp_path / "mail.csv", rows()))
    asked = LabelQuestions(task).load("test")
    assert {(row.kind, row.question, row.choices) for row in asked} == {
        ("mail", "Mail:", ("unwanted", "wanted"))
    }


# --- What is wrong -------------------------------------------------------------------------------


def change(index: int, **cells: object) -> list[dict[str, object]]:
    found = rows()
    found[index].update(cells)
    return found


@pytest.mark.parametrize(
    ("found", "kind", "message"),
    [
        ([{"text": "a", "kind": "ham"}] * 30, DataError, r"no column body; there are: text, kind$"),
        ([{"body": "a", "y": "ham"}] * 30, DataError, r"no column kind; there are: body, y$"),
        (change(6, kind="eggs"), DataError,
         r"train split, column 'kind': labels .*: 'eggs' \(row 7\); named are: 'spam', 'ham'$"),
        (change(6, kind=""), DataError, r"labels that no verbalizer names: '' \(row 7\)"),
        (change(2, body="  "), EmptyTextError, r"1 of 40 texts are empty \(rows 3\)"),
        ([{"body": "", "kind": "ham"}] * 30, EmptyTextError,
         r"30 of 30 texts are empty \(rows 1, 2, 3, 4, 5 and 25 more\)"),
        (change(39, body="x" * 2**20), TextTooLongError,
         r"1 of 40 texts have more than 65,536 bytes \(rows 40; the longest has 1,048,576\)"),
        (rows(5), DataError, r"too few different texts"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("write", [write_csv, write_jsonl])
def test_bad_rows_are_named(
    tmp_path: Path,
    found: list[dict[str, object]],
    kind: type[LatentwireError],
    message: str,
    write: Callable[[Path, list[dict[str, object]]], Path],
) -> None:
    path = write(tmp_path / ("mail.csv" if write is write_csv else "mail.jsonl"), found)
    with pytest.raises(kind, match=message) as error:
        spam(path)
    assert str(path) in str(error.value)
    assert error.value.hint
    assert isinstance(error.value, UsageError)  # commands exit with 2


def test_a_missing_cell_is_an_empty_text(tmp_path: Path) -> None:
    with pytest.raises(EmptyTextError, match=r"rows 4\)"):
        spam(write_jsonl(tmp_path / "mail.jsonl", change(3, body=None)))
    with pytest.raises(DataError, match=r"names: '' \(row 4\)"):
        spam(write_jsonl(tmp_path / "mail.jsonl", change(3, kind=None)))


def test_the_longest_text_is_taken(tmp_path: Path) -> None:
    spam(write_jsonl(tmp_path / "mail.jsonl", change(3, body="x" * MAX_TEXT_BYTES)))


def test_a_column_of_something_else_is_no_label(tmp_path: Path) -> None:
    found: list[dict[str, object]] = [{"text": f"t{n}", "label": f"l{n}"} for n in range(1001)]
    with pytest.raises(DataError, match="'label' has 1,001 different values"):
        Task.from_file(write_jsonl(tmp_path / "x.jsonl", found))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", "a", r"expected one of the formats .csv, .*, found '.txt'"),
        ("x.jsonl", '{"body": "a", "kind": "ham"}\n{"body": ', "cannot be read"),
        ("x.csv", "body,kind\n", "has no rows|cannot be read"),
        ("x.csv", "", "has no rows"),
        ("x.csv", 'body,kind\n"a,b\n', "cannot be read"),
    ],
)
def test_files_that_are_no_data(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=message) as error:
        spam(tmp_path / name)
    assert str(tmp_path / name) in str(error.value)


def test_no_such_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing.csv does not exist"):
        spam(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match=r"has no data file"):
        spam(tmp_path)
    write_csv(tmp_path / "test.csv", rows())
    with pytest.raises(DataError, match=r"no split 'train'; there are: test"):
        spam(tmp_path)
    write_jsonl(tmp_path / "train.jsonl", rows())
    with pytest.raises(DataError, match=r"found '.csv' and '.jsonl'"):
        spam(tmp_path)


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"nobody/nothing cannot be read") as error:
        Task.from_hub("nobody/nothing")
    assert error.value.hint == "check the name and the network"


# --- Templates -----------------------------------------------------------------------------------


def test_a_template_in_yaml(tmp_path: Path) -> None:
    file = tmp_path / "mail.yaml"
    file.write_text(
        'question: "Mail:"\ntext: "{title}. {the body}"\nverbalizers: {yes: good, 0: bad}\n',
        encoding="utf-8",
    )
    template = PromptTemplate.from_yaml(file)
    # YAML's own reading of these labels would be True and the number 0.
    assert template == PromptTemplate("Mail:", {"yes": "good", "0": "bad"}, "{title}. {the body}")
    found: list[dict[str, object]] = [
        {"title": f"T{n}", "the body": "{title}", "label": "yes" if n % 2 else "0"}
        for n in range(30)
    ]
    task = Task.from_file(write_csv(tmp_path / "mail.csv", found), template=template)
    assert task.choices == ("good", "bad")
    example = next(e for e in task.load("train") if e.label == 0)
    assert int(example.text[1:].split(".")[0]) % 2
    assert example.text.endswith(". {title}")  # what a cell holds is no template


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        ("questoin: x", DataError, r"found \['questoin'\]"),
        ("- a", DataError, "found list"),
        ("question: [", DataError, "cannot be read"),
        ("verbalizers: [a, b]", DataError, "must map"),
        ("verbalizers: {a: [b], c: d}", DataError, "must map"),
        ("verbalizers: {a: b}", ChoicesError, "two answers or more"),
        ("verbalizers: {a: x, b: x}", ChoicesError, "more than one label"),
        ("verbalizers: {a: x, b: ' '}", ChoicesError, "label 'b' is empty"),
        ("text: no columns", DataError, "names no column"),
    ],
)
def test_templates_that_are_none(
    tmp_path: Path, content: str, kind: type[LatentwireError], message: str
) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(kind, match=message):
        PromptTemplate.from_yaml(file)


def test_a_template_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        PromptTemplate.from_yaml(tmp_path / "none.yaml")

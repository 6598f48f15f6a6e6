"""What is wrong with the user's own data: each error says where, and what to do about it."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import datasets
import pytest
from latentwire.cli import app
from latentwire.cli.train import _own_task
from latentwire.errors import ChoicesError, DataError, LatentwireError, UsageError
from latentwire.tasks import PromptTemplate, Task
from typer.testing import CliRunner

ROWS = [(f"text {n}", "ab"[n % 2]) for n in range(40)]
CSV = "text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)
JSONL = "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is left in the user's cache, and progress bars are as a user has them."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    had_bars = not datasets.are_progress_bars_disabled()
    datasets.enable_progress_bars()
    yield
    if not had_bars:
        datasets.disable_progress_bars()


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# --- Files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message", "hint"),
    [
        ("a.csv", "", " has no rows$", "a row for each text"),
        ("a.csv", "\n\n", " has no rows$", "a row for each text"),
        ("a.csv", "text,label\n", " has no rows$", "a row for each text"),
        ("a.jsonl", "", " has no rows$", "a row for each text"),
        ("a.csv.gz", gzip.compress(b""), " has no rows$", "a row for each text"),
        ("a.csv", "text,label\na,b\na,b,c,d\n", ": Expected 2 fields in line 3, saw 4$", "quote"),
        ("a.csv", "text,label\nyes, it is,a\nno,b\n", "more cells than its header$", "quote"),
        ("a.csv", 'text,label\n"a,b\n', "EOF inside string", "close the quotation mark"),
        ("a.csv", CSV.encode() + b"caf\xe9,a\n", ", line 42 is not UTF-8 text: byte 4 is 0xe9$",
         "UTF-8"),
        ("a.csv.gz", gzip.compress(CSV.encode() + b"\xe9,a\n"), ", line 42 is not UTF-8", "UTF-8"),
        ("a.jsonl", JSONL.encode() + b'{"text": "\xe9"}', ", line 41 is not UTF-8", "UTF-8"),
        ("a.csv", CSV.encode("utf-16"), ", line 1 is not UTF-8 text: byte 1 is 0xff$", "UTF-8"),
        ("a.jsonl", JSONL + "\n{,}\n", "JSON parse error: .* in line 42$", "one object a line"),
        ("a.jsonl", "null\n", ", line 1 is no object: it begins with 'null'$", "one object a line"),
        ("a.jsonl", JSONL + "\n17\n", ", line 42 is no object: it begins with '17'$", "one object"),
        ("a.json", "\n null", ", line 2 is no object: it begins with 'null'$", "one object a line"),
        ("a.csv.gz", CSV, "Not a gzipped file", "take .gz off"),
        ("a.csv.gz", gzip.compress(CSV.encode())[:60], "ended before", "is it whole"),
        ("a.parquet", "PAR?", "Parquet file size is 4 bytes", "is it whole"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read(
    tmp_path: Path,
    name: str,
    content: str | bytes,
    message: str,
    hint: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(DataError, match=message) as error:
        Task.from_file(path)
    assert str(error.value).startswith(str(path))
    assert hint in str(error.value.hint)
    # The error is all that is seen.
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_what_reading_silences_speaks_again(tmp_path: Path) -> None:
    Task.from_file(write(tmp_path / "a.csv", CSV))
    assert not datasets.are_progress_bars_disabled()
    assert logging.getLogger("datasets.packaged_modules").level == logging.NOTSET


def test_a_file_of_a_folder_is_named(tmp_path: Path) -> None:
    write(tmp_path / "mail" / "train.csv", CSV)
    other = write(tmp_path / "mail" / "test.csv", "text,kind,more\na,b,c\n")
    with pytest.raises(DataError) as error:
        Task.from_file(tmp_path / "mail")
    assert str(error.value) == (
        f"{other}, test split has no column label; there are: text, kind, more"
    )
    assert "--text-column and --label-column" in str(error.value.hint)
    write(other, "text,label\n")
    with pytest.raises(DataError, match=r"test\.csv has no rows"):
        Task.from_file(tmp_path / "mail")


def test_splits_may_differ_in_columns_that_nobody_asks_for(tmp_path: Path) -> None:
    write(tmp_path / "mail" / "train.csv", CSV)
    write(tmp_path / "mail" / "test.csv", "more,text,label\nc,t,b\n")
    (found,) = Task.from_file(tmp_path / "mail").load("test")
    assert (found.text, found.label) == ("t", 1)


def test_other_columns_in_a_folder_as_of_the_hub_are_one_short_line(tmp_path: Path) -> None:
    write(tmp_path / "mail" / "train.csv", CSV)
    write(tmp_path / "mail" / "test.csv", "text,label,more\na,b,c\n")
    with pytest.raises(
        DataError, match=r"mail cannot be read: its parts differ in .*'more'"
    ) as error:
        Task.from_hub(str(tmp_path / "mail"))
    assert "schema metadata" not in str(error.value)
    assert error.value.hint == "give all rows the same columns"


# --- Rows ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "kind", "message", "hint"),
    [
        ("a.csv", CSV + "x,\ny,\n", DataError,
         r"column 'label': 2 of 42 labels are empty \(rows 41, 42\)$", "fill or remove"),
        ("a.jsonl", JSONL + '{"text": "x", "label": null}\n', DataError,
         r"column 'label': 1 of 41 labels are empty \(rows 41\)$", "fill or remove"),
        ("a.csv", CSV.replace(",b", ",a"), ChoicesError,
         "column 'label': expected two different labels or more, found 'a' in all 40 rows$",
         "--label-column"),
        ("a.csv", CSV + "x,a_b\ny,a b\n", ChoicesError,
         "column 'label': the answer 'a b' stands for more than one label: 'a b', 'a_b'$",
         "an answer of its own"),
        ("a.jsonl", JSONL.replace('"text 0"', '["one", "two"]'), DataError,
         "row 1, column 'text': expected a text or a number, found a list$", "one text"),
        ("a.jsonl", JSONL.replace(': "text', ': {"a": 1}, "was": "text'), DataError,
         "row 1, column 'text': expected a text or a number, found a dict$", "one text"),
        ("a.jsonl", JSONL.replace('"a"', '["a"]').replace('"b"', '["b"]'), DataError,
         "row 1, column 'label': expected a text or a number, found a list$", "one text"),
    ],
)  # fmt: skip
def test_cells_that_cannot_be_used(
    tmp_path: Path,
    name: str,
    content: str,
    kind: type[LatentwireError],
    message: str,
    hint: str,
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(kind, match=message) as error:
        Task.from_file(path)
    assert str(error.value).startswith(f"{path}, train split, ")
    assert hint in str(error.value.hint)


def test_text_and_label_are_two_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", CSV)
    with pytest.raises(DataError, match="column 'text' is named for both text and label") as error:
        Task.from_file(path, label_column="text")
    assert "--text-column and --label-column" in str(error.value.hint)
    with pytest.raises(DataError, match="both text and label"):
        Task.from_file(path, template=PromptTemplate(text="{text} ({label})"))


def test_hints_that_ask_for_verbalizers_say_how(tmp_path: Path) -> None:
    many = "text,label\n" + "".join(f"t{n},l{n}\n" for n in range(1001))
    with pytest.raises(DataError) as error:
        Task.from_file(write(tmp_path / "a.csv", many))
    assert "--template" in str(error.value.hint)
    with pytest.raises(DataError) as error:
        Task.from_file(write(tmp_path / "a.csv", CSV), verbalizers={"a": "x", "c": "y"})
    assert "--template" in str(error.value.hint)


# --- Templates -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ("text: {title}", "text must be one text", "quote it"),
        ("question: [a]", "question must be one text", "quote it"),
        ("text: nothing", "names no column", "braces"),
        ("verbalizers: {a: b}", "two answers or more", "two labels or more"),
        ("words: {a: b}", "found \\['words'\\]", "question, text, verbalizers"),
        ("a: [", "cannot be read: ", "question, text, verbalizers"),
        ("", "found NoneType", "question, text, verbalizers"),
    ],
)
def test_errors_of_a_template_name_its_file(
    tmp_path: Path, content: str, message: str, hint: str
) -> None:
    path = write(tmp_path / "t.yaml", content)
    with pytest.raises(UsageError, match=message) as error:
        PromptTemplate.from_yaml(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    assert hint in str(error.value.hint)


def test_a_template_on_the_command_line(tmp_path: Path) -> None:
    data = str(write(tmp_path / "a.csv", CSV.replace("text,label", "body,kind")))
    words = "verbalizers: {b: bad, a: good}\n"
    file = write(tmp_path / "t.yaml", words)
    task = _own_task(data, "body", "kind", "Mail:", file)
    assert (task.question, task.choices) == ("Mail:", ("bad", "good"))
    write(file, words + 'question: "Kind:"\ntext: "Mail: {body}"\n')
    task = _own_task(data, "text", "kind", None, file)
    assert task.question == "Kind:"
    assert all(example.text.startswith("Mail: text ") for example in task.load("train"))
    for column, question, option in (("body", None, "--text-column"), ("text", "Q", "--question")):
        with pytest.raises(UsageError, match=f"{option} is given, and .*t.yaml has the key"):
            _own_task(data, column, "kind", question, file)


def test_the_split_for_the_test_is_named_on_the_command_line(tmp_path: Path) -> None:
    write(tmp_path / "rows" / "train.csv", CSV)
    write(tmp_path / "rows" / "validation.csv", CSV.replace("text ", "other "))
    write(tmp_path / "rows" / "test.csv", "text,label\nunlabelled,-1\n")
    task = _own_task(str(tmp_path / "rows"), "text", "label", None, None, test_split="validation")
    assert {example.text.split()[0] for example in task.load("test")} == {"other"}
    assert {example.text.split()[0] for example in task.load("validation")} == {"text"}
    with pytest.raises(DataError, match="no split 'dev'; there are: train, validation, test") as e:
        _own_task(str(tmp_path / "rows"), "text", "label", None, None, test_split="dev")
    assert "--test-split" in str(e.value.hint)


def test_options_of_the_hub_are_refused_beside_a_file(tmp_path: Path) -> None:
    own = partial(_own_task, str(write(tmp_path / "a.csv", CSV)), "text", "label", None, None)
    with pytest.raises(UsageError, match="--hub-config sst2 is of a data set by its hub name"):
        own(hub_config="sst2")
    with pytest.raises(UsageError, match="--hub-revision main is of a data set by its hub name"):
        own(hub_revision="main")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--template", "t.yaml"], "there is no --data"),
        (["--test-split", "validation"], "--test-split belongs to data of your own"),
        (["--test-split", "test"], "--test-split belongs to data of your own"),
        (["--text-column", "text"], "--text-column belongs to data of your own"),
        (["--label-column", "kind"], "--label-column belongs to data of your own"),
        (["--question", "Q"], "--question belongs to data of your own"),
        (["--hub-config", "sst2"], "--hub-config belongs to data of your own"),
        (["--template", "none.yaml", "--data", "a.csv"], "none.yaml cannot be read: No such file"),
        (["--template", "t.yaml", "--data", "a.csv"], "t.yaml: expected a mapping with keys"),
    ],
)
def test_a_template_that_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("a.csv"), CSV)
    write(Path("t.yaml"), "colour: red")
    done = CliRunner().invoke(app, ["train", "recipe.yaml", *arguments])
    assert isinstance(done.exception, UsageError)  # commands exit with 2
    assert message in str(done.exception)
    assert done.exception.hint

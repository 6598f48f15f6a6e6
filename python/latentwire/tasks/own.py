"""A task from the user's own rows; everything that can be wrong with them is found here.

All rows are read and checked before anything is trained on them, and an error names the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from latentwire.errors import ChoicesError, DataError, EmptyTextError, TextTooLongError
from latentwire.tasks.base import Example, Split, Task
from latentwire.tasks.held_out import hold_out
from latentwire.tasks.prompt_template import PromptTemplate, check_answers, read_cell
from latentwire.tasks.sources import Source
from latentwire.text import MAX_TEXT_BYTES

MAX_LABELS = 1000
"""The most labels that are taken from the rows themselves; more is a column of something else."""

_NAME_COLUMNS = (
    "name the columns of text and label: text_column and label_column in Python, "
    "--text-column and --label-column on the command line, or the text of a template"
)
_GIVE_VERBALIZERS = (
    "verbalizers in Python, a file with the key verbalizers by --template on the command line"
)
_NAMED = 5  # rows, labels or columns that an error names before it counts the rest

Labelled = list[tuple[str, str]]
"""Text and label of each row."""


def build_task(
    source: Source,
    template: PromptTemplate,
    *,
    name: str,
    label_column: str = "label",
    test_split: str = "test",
) -> Task:
    """Read and check every row.

    Validation rows come from the split of that name unless it is the test split; where there is no
    such split they are held out of ``train`` by text, and so are test rows.

    Raises:
        DataError: If there is no training split, no row or no such column, text and label are one
            column, a cell is a list or a mapping, a label is empty or has no verbalizer, or there
            are too few texts to hold some out.
        EmptyTextError: If texts are empty.
        TextTooLongError: If texts are longer than a sender takes.
        ChoicesError: If the answers are fewer than two or repeated.
    """
    if label_column in template.columns:
        raise DataError(
            f"{source.where}: column {label_column!r} is named for both text and label",
            hint=_NAME_COLUMNS,
        )
    if "train" not in source.splits:
        raise DataError(
            f"{source.where} has no split 'train'; there are: {_some(source.splits)}",
            hint="give the rows to train on under that name",
        )
    if test_split != "test" and test_split not in source.splits:
        raise DataError(
            f"{source.where} has no split {test_split!r}; there are: {_some(source.splits)}",
            hint="name one of these as test_split (--test-split)",
        )
    names = {"train": "train", "validation": "validation", "test": test_split}
    rows = {
        split: _read(source.splits[found], source.place(found), template, label_column)
        for split, found in names.items()
        if found in source.splits and not (split == "validation" and found == test_split)
    }
    verbalizers = template.verbalizers
    if verbalizers is None:
        verbalizers = _labels_as_answers(rows["train"], source.place("train"), label_column)
    for split, labelled in rows.items():
        where = f"{source.place(names[split])}, column {label_column!r}"
        _check_labels(labelled, verbalizers, where)
    for split in ("test", "validation"):
        if split not in rows:
            held_out = hold_out((text for text, _ in rows["train"]), split)
            if not held_out:
                raise DataError(
                    f"{source.where} has too few different texts to hold out a tenth for {split}",
                    hint=f"give more rows, or a {split} split of its own",
                )
            rows[split] = [row for row in rows["train"] if row[0] in held_out]
            rows["train"] = [row for row in rows["train"] if row[0] not in held_out]
    index = {label: place for place, label in enumerate(verbalizers)}
    examples: dict[Split, list[Example]] = {
        split: [Example(text, index[label]) for text, label in rows[split]]
        for split in ("train", "validation", "test")
    }
    return Task(name, template.question, dict(verbalizers), examples)


def _read(dataset: Any, where: str, template: PromptTemplate, label_column: str) -> Labelled:
    wanted = [*template.columns, label_column]
    missing = [column for column in dict.fromkeys(wanted) if column not in dataset.column_names]
    if missing:
        raise DataError(
            f"{where} has no column {_some(missing)}; there are: {_some(dataset.column_names, 20)}",
            hint=_NAME_COLUMNS,
        )
    if not len(dataset):
        raise DataError(f"{where} has no rows", hint="give it a row for each text")
    feature = dataset.features[label_column]
    to_name = getattr(feature, "int2str", None)  # of a ClassLabel
    rows: Labelled = []
    for number, row in enumerate(dataset.select_columns(list(dict.fromkeys(wanted))), start=1):
        value = row[label_column]
        if to_name is not None and value is not None and value >= 0:
            value = to_name(value)
        try:
            label = read_cell({label_column: value}, label_column)
            text = template.render(row)
        except DataError as error:
            raise DataError(f"{where}, row {number}, {error}", hint=error.hint) from error
        rows.append((text, label.lower() if isinstance(value, bool) else label))
    _check_texts([text for text, _ in rows], where)
    return rows


def _check_texts(texts: Sequence[str], where: str) -> None:
    empty = [number for number, text in enumerate(texts, start=1) if not text]
    if empty:
        raise EmptyTextError(
            f"{where}: {len(empty)} of {len(texts)} texts are empty (rows {_some(empty)})",
            hint="fill or remove these rows",
        )
    sizes = {number: len(text.encode()) for number, text in enumerate(texts, start=1)}
    long = [number for number, size in sizes.items() if size > MAX_TEXT_BYTES]
    if long:
        raise TextTooLongError(
            f"{where}: {len(long)} of {len(texts)} texts have more than {MAX_TEXT_BYTES:,} bytes "
            f"(rows {_some(long)}; the longest has {max(sizes.values()):,})",
            hint="shorten or remove these rows",
        )


def _labels_as_answers(rows: Labelled, where: str, label_column: str) -> dict[str, str]:
    """Labels as they are, underscores read as spaces; what cannot be answers is refused."""
    where = f"{where}, column {label_column!r}"
    labels = sorted({label for _, label in rows})
    if len(labels) > MAX_LABELS:
        raise DataError(
            f"{where} has {len(labels):,} different values, labels are at most {MAX_LABELS:,}",
            hint="is this the column of labels (--label-column)? "
            f"With verbalizers any number is taken: {_GIVE_VERBALIZERS}",
        )
    answers = {label: label.replace("_", " ").strip() for label in labels}
    empty = [number for number, (_, label) in enumerate(rows, start=1) if not answers[label]]
    if empty:
        raise DataError(
            f"{where}: {len(empty)} of {len(rows)} labels are empty (rows {_some(empty)})",
            hint="fill or remove these rows",
        )
    if len(labels) == 1:
        raise ChoicesError(
            f"{where}: expected two different labels or more, found {labels[0]!r} in all "
            f"{len(rows)} rows",
            hint="add rows of another label, or name the column of labels by label_column "
            "(--label-column)",
        )
    check_answers(answers, where)
    return answers


def _check_labels(rows: Labelled, verbalizers: Mapping[str, str], where: str) -> None:
    first: dict[str, int] = {}
    for number, (_, label) in enumerate(rows, start=1):
        if label not in verbalizers:
            first.setdefault(label, number)
    if first:
        unknown = _some(f"{label!r} (row {number})" for label, number in first.items())
        raise DataError(
            f"{where}: labels that no verbalizer names: {unknown}; "
            f"named are: {_some(map(repr, verbalizers), 20)}",
            hint=f"add their answers to the verbalizers: {_GIVE_VERBALIZERS}"
            if not {"-1", ""}.intersection(first)
            else "rows without a label cannot be used: fill or remove them, or name another split "
            "for the test: test_split (--test-split)",
        )


def _some(items: Iterable[object], most: int = _NAMED) -> str:
    """``"3, 7, 9 and 40 more"``."""
    named = [str(item) for item in items]
    rest = f" and {len(named) - most:,} more" if len(named) > most else ""
    return ", ".join(named[:most]) + rest

"""Rows of the user's own: files, folders and hub names, all read by the `datasets` library."""

from __future__ import annotations

import gzip
import json
import logging
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latentwire.errors import DataError
from latentwire.extras import require_extra

# Suffix -> builder of `datasets` and its options.
_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".csv": ("csv", {}),
    ".tsv": ("csv", {"sep": "\t"}),
    ".jsonl": ("json", {}),
    ".json": ("json", {}),
    ".parquet": ("parquet", {}),
}
_SPLITS = ("train", "validation", "test")

_HINTS = {
    "corresponds to no data": "give it a row for each text, below the names of the columns",
    "fields in line": "quote cells that hold the separator: a comma or, in TSV, a tab",
    "EOF inside string": 'close the quotation mark of that cell; inside of it " is written ""',
    "JSON parse error": 'write one object a line, e.g. {"text": "...", "label": "..."}',
    "gzip": "pack it again, or take .gz off its name",
    "differ in their columns": "give all rows the same columns",
}
"""What to do, by words of what `datasets` and its readers say."""

_MOST_SAID = 300  # characters of what they say
_MOST_SHOWN = 20  # characters of a line
_BYTE_ORDER_MARK = "\ufeff"

# Where pandas puts the first cells of rows that have one more than the header; all others shift.
_SHIFTED = "__index_level_0__"


@dataclass(frozen=True)
class Source:
    """Splits of a data set that has been opened.

    Attributes:
        where: What errors call it: a path or a hub name.
        splits: Split name -> `datasets.Dataset`.
        files: Split name -> its file, where a split is one.
    """

    where: str
    splits: Mapping[str, Any]
    files: Mapping[str, Path] = field(default_factory=dict)

    def place(self, split: str) -> str:
        """What errors call a split."""
        return f"{self.files.get(split, self.where)}, {split} split"


def open_files(path: str | os.PathLike[str], columns: Iterable[str]) -> Source:
    """Open a file of rows, or a folder with ``train``, ``validation`` and ``test`` files.

    CSV, TSV, JSON lines and Parquet are read, also packed with gzip.

    Args:
        path: The file or folder.
        columns: Columns whose cells, in CSV and TSV, are text as it is written: "NA" is a word and
            "007" not the number 7.

    Raises:
        DataError: If there is no such file, or its format is unknown, or it cannot be read, is not
            UTF-8 or has no rows.
        MissingExtraError: If `datasets` is not installed.
    """
    path = Path(path)
    if path.is_dir():
        files = {
            split: file
            for split in _SPLITS
            for file in sorted(path.glob(f"{split}.*"))
            if _suffix(file) in _FORMATS
        }
        if not files:
            raise DataError(
                f"folder {path} has no data file",
                hint=f"name it train.csv; other formats: {', '.join(_FORMATS)}",
            )
    elif path.is_file():
        files = {"train": path}
    else:
        raise DataError(
            f"data file {path} does not exist",
            hint="check the path; it is a file, a folder with train.csv, or a hub name",
        )
    suffixes = sorted({_suffix(file) for file in files.values()})
    if len(suffixes) > 1 or suffixes[0] not in _FORMATS:
        raise DataError(
            f"{path}: expected one of the formats {', '.join(_FORMATS)}, "
            f"found {' and '.join(map(repr, suffixes))}",
            hint="save it in one of them, and all files of a folder in the same",
        )
    builder, defaults = _FORMATS[suffixes[0]]
    options = dict(defaults)
    if builder == "csv":
        options |= {"converters": dict.fromkeys(columns, str), "keep_default_na": False}
    # One by one: splits may differ in columns that nobody asks for, and an error names its file.
    splits = {split: _open_file(file, split, builder, options) for split, file in files.items()}
    return Source(str(path), splits, files)


def _open_file(file: Path, split: str, builder: str, options: Mapping[str, Any]) -> Any:
    if builder != "parquet":
        _check_lines(file)
    rows = _load(str(file), builder, data_files={split: str(file)}, **options)[split]
    if builder == "csv" and _SHIFTED in rows.column_names:
        raise DataError(
            f"{file} cannot be read: its rows have more cells than its header",
            hint=_HINTS["fields in line"],
        )
    return rows


def _check_lines(file: Path) -> None:
    """Refuse what its readers would fail on without a line, or read as something else."""
    is_empty = True
    for number, line in enumerate(_lines(file), start=1):
        try:
            text = line.decode().strip().removeprefix(_BYTE_ORDER_MARK)
            if text and (is_empty or _suffix(file) == ".jsonl"):
                _check_begins(text, file, number)
            is_empty = not text and is_empty
        except UnicodeDecodeError as error:
            raise DataError(
                f"{file}, line {number} is not UTF-8 text: "
                f"byte {error.start + 1} is {line[error.start]:#04x}",
                hint="save it as UTF-8",
            ) from error
    if is_empty:
        raise _no_rows(file)


def _check_begins(text: str, file: Path, number: int) -> None:
    """Refuse JSON that is no row: on a ``null`` the reader of `datasets` crashes the process."""
    beginnings = {".jsonl": "{", ".json": "{["}.get(_suffix(file))
    if beginnings and text[0] not in beginnings:
        raise DataError(
            f"{file}, line {number} is no object: it begins with {text[:_MOST_SHOWN]!r}",
            hint=_HINTS["JSON parse error"],
        )


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as start:
            is_packed = start.read(2) == b"\x1f\x8b"  # as `datasets` finds out
        with gzip.open(file) if is_packed else file.open("rb") as lines:
            yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} cannot be read: {error}", hint=_hint(str(error), file)) from error


def open_hub(name: str, config: str | None = None, revision: str | None = None) -> Source:
    """Open a data set by its hub name, or a local folder as the hub would show it.

    Args:
        name: For example ``"stanfordnlp/sst2"``.
        config: Which configuration of the data set, where it has several.
        revision: Branch, tag or commit; a commit gives the same rows for ever.

    Raises:
        DataError: If it is unknown or cannot be reached or read.
        MissingExtraError: If `datasets` is not installed.
    """
    return Source(name, _load(name, name, name=config, revision=revision))


def _suffix(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def _load(where: str, builder: str, **options: Any) -> Mapping[str, Any]:
    require_extra("train", "datasets")
    import datasets
    from datasets.exceptions import DatasetsError

    try:
        with _quiet():
            found: Mapping[str, Any] = datasets.load_dataset(builder, **options)
    except (DatasetsError, OSError, ValueError) as error:
        raise _explained(where, error) from error
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars of `datasets`, and no log of errors that it raises as well."""
    import datasets

    readers = logging.getLogger("datasets.packaged_modules")
    level = readers.level
    had_bars = not datasets.are_progress_bars_disabled()
    readers.setLevel(logging.CRITICAL)
    if had_bars:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        readers.setLevel(level)
        if had_bars:
            datasets.enable_progress_bars()


def _explained(where: str, error: Exception) -> DataError:
    """What `datasets` says, in one short line, and what to do about it."""
    from datasets.table import CastError

    file = Path(where)
    # What went wrong in a row is the cause; the error itself says that something did.
    reason = error.__cause__ or error
    if "corresponds to no data" in str(reason):
        return _no_rows(where)
    said = str(reason)
    if isinstance(reason, CastError):
        said = f"its parts differ in their columns: {reason.details()}"
    said = " ".join(said.split()).removeprefix("Error tokenizing data. C error: ")
    if "JSON parse error" in said and file.is_file():
        # Its rows are counted from zero, and anew in each part that is read.
        said = re.sub(r" in row \d+$", _bad_line(file), said)
    if len(said) > _MOST_SAID:
        said = f"{said[:_MOST_SAID]}..."
    return DataError(f"{where} cannot be read: {said}", hint=_hint(said, file))


def _bad_line(file: Path) -> str:
    if _suffix(file) != ".jsonl":
        return ""
    for number, line in enumerate(_lines(file), start=1):
        try:
            json.loads(line)
        except ValueError:
            if line.strip():
                return f" in line {number}"
    return ""


def _no_rows(where: object) -> DataError:
    return DataError(f"{where} has no rows", hint=_HINTS["corresponds to no data"])


def _hint(said: str, file: Path) -> str:
    for words, hint in _HINTS.items():
        if words in said:
            return hint
    if file.exists():
        return "is it whole, and of the format that its name says?"
    return "check the name and the network"

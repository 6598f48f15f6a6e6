"""Rows of the user's own: files, folders and hub names, all read by the `datasets` library."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Source:
    """Splits of a data set that has been opened.

    Attributes:
        where: What errors call it: a path or a hub name.
        splits: Split name -> `datasets.Dataset`.
    """

    where: str
    splits: Mapping[str, Any]


def open_files(path: str | os.PathLike[str], columns: Iterable[str]) -> Source:
    """Open a file of rows, or a folder with ``train``, ``validation`` and ``test`` files.

    CSV, TSV, JSON lines and Parquet are read, also packed with gzip.

    Args:
        path: The file or folder.
        columns: Columns whose cells, in CSV and TSV, are text as it is written: "NA" is a word and
            "007" not the number 7.

    Raises:
        DataError: If there is no such file, or its format is unknown, or it cannot be read.
        MissingExtraError: If `datasets` is not installed.
    """
    path = Path(path)
    if path.is_dir():
        files = {
            split: str(file)
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
        files = {"train": str(path)}
    else:
        raise DataError(f"data file {path} does not exist")
    suffixes = sorted({_suffix(Path(file)) for file in files.values()})
    if len(suffixes) > 1 or suffixes[0] not in _FORMATS:
        raise DataError(
            f"{path}: expected one of the formats {', '.join(_FORMATS)}, "
            f"found {' and '.join(map(repr, suffixes))}"
        )
    builder, defaults = _FORMATS[suffixes[0]]
    options = dict(defaults)
    if builder == "csv":
        options |= {"converters": dict.fromkeys(columns, str), "keep_default_na": False}
    return Source(str(path), _load(str(path), builder, data_files=files, **options))


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
        found: Mapping[str, Any] = datasets.load_dataset(builder, **options)
    except (DatasetsError, OSError, ValueError) as error:
        # What went wrong in a row is the cause; the error itself says that something did.
        reason = error.__cause__ or error
        raise DataError(
            f"{where} cannot be read: {' '.join(str(reason).split())}",
            hint=None if os.path.exists(where) else "check the name and the network",  # noqa: PTH110
        ) from error
    return found

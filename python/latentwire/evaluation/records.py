"""Records: one line of JSON per figure, task and path, kept as soon as it is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from latentwire.durable import whole_lines

FILE = "records.jsonl"
JOINED = " x "  # between the receivers of a joint answer


class Record(TypedDict):
    """One figure of one path on one test split.

    ``figure`` says what was measured; the optional keys say on which path. ``accuracy`` holds the
    fields of ``Accuracy``, ``parts`` the fingerprints of all models and parts on the path,
    ``split`` the digest of the rows, ``split_name`` what they are if not the test split, ``right``
    which of them are answered right (see ``packed``), ``compact_bytes`` what a packet takes between
    hosts that have agreed on a route.
    """

    figure: str
    task: str
    accuracy: dict[str, float]
    right: str
    majority_percent: float
    chance_percent: float
    limit: int | None
    split: str
    split_name: NotRequired[str]
    parts: dict[str, str]
    sender: NotRequired[str]
    receiver: NotRequired[str]
    k: NotRequired[int | None]
    encoding: NotRequired[str]
    packet_bytes: NotRequired[float]
    compact_bytes: NotRequired[float]
    layer: NotRequired[int]
    num_train_rows: NotRequired[int]
    max_train_rows: NotRequired[int]
    inverse_strength: NotRequired[float]


def matches(record: Record, key: dict[str, Any]) -> bool:
    """Whether a record has these values."""
    return all(record.get(field) == value for field, value in key.items())


def path_name(record: Record) -> str:
    """The path of a record in words, e.g. ``"minilm to tiny-qwen, k = 4"``."""
    name = " to ".join(part for part in (record.get("sender"), record.get("receiver")) if part)
    if record["figure"] == "prefix":
        name += f", k = {record['k']}"
    if record["figure"] == "sizes":
        name += f", k = {record['k']}, {record['encoding']}"
    if record["figure"] == "encodings":
        name += f", {record['encoding']}"
    if record["figure"] == "probe":
        name += f", layer {record['layer']}"
    return name


def packed(is_right: NDArray[np.bool_]) -> str:
    """Bool [N] as hexadecimal bits: enough for paired comparisons later."""
    return np.packbits(is_right).tobytes().hex()


def unpacked(record: Record) -> NDArray[np.bool_]:
    """Which rows a record's path answered right, bool [N]."""
    bits = np.frombuffer(bytes.fromhex(record["right"]), dtype=np.uint8)
    return np.unpackbits(bits, count=int(record["accuracy"]["num_rows"])).astype(bool)


class RecordStore:
    """Records of a folder: those that still hold, and those that are added."""

    def __init__(self, folder: Path, holds: Callable[[Record], bool]) -> None:
        """Read the folder's records and keep those that ``holds`` accepts."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE
        kept = (cast(Record, json.loads(line)) for line in whole_lines(self.path))
        self.records = [record for record in kept if holds(record)]

    def has(self, **key: Any) -> bool:
        """Whether there is a record with these values."""
        return any(matches(record, key) for record in self.records)

    def add(self, record: Record) -> None:
        """Append a record, on disk too."""
        self.records.append(record)
        with self.path.open("a") as file:
            print(json.dumps(record), file=file)

"""Paired differences: two paths on the same rows, with the interval of their difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from latentwire.evaluation.records import JOINED, Record, unpacked
from latentwire.evaluation.statistics import Difference


@dataclass(frozen=True)
class Comparison:
    """A record against another one of the same rows.

    Attributes:
        what: What the difference says.
        record: The first path.
        reference: The second.
        difference: First minus second.
    """

    what: str
    record: Record
    reference: Record
    difference: Difference


def comparisons(records: Sequence[Record]) -> Iterator[Comparison]:
    """Joint against the better receiver, few latents against all, a message against the probe."""
    for record in records:
        near = [other for other in records if is_comparable(record, other)]
        latents = [other for other in near if other["figure"] == "latent"]
        if record["figure"] == "joint" and latents:
            yield _compare("joint minus the better receiver", record, better(latents))
        if record["figure"] == "prefix" and record.get("k") == 1 and latents:
            yield _compare("first latent minus all", record, latents[-1])
        if record["figure"] == "sizes" and latents:
            what = f"{record['k']} in {record['encoding']} minus all in int8"
            yield _compare(what, record, latents[-1])
        if record["figure"] == "latent":
            for probe in (other for other in near if other["figure"] == "probe"):
                yield _compare("message minus the sender's linear probe", record, probe)


def is_comparable(record: Record, other: Record) -> bool:
    """Whether the same rows went the same way in both.

    The other record is of the same sender, and of no receiver or one that the first record has too.
    """
    return (
        record["task"] == other["task"]
        and record["split"] == other["split"]
        and record.get("sender") == other.get("sender")
        and other.get("receiver") in (None, *record.get("receiver", "").split(JOINED))
    )


def better(records: Sequence[Record]) -> Record:
    """The record of the highest accuracy."""
    return max(records, key=lambda record: record["accuracy"]["percent"])


def difference(record: Record, reference: Record) -> Difference:
    """Paired difference of two records of the same rows."""
    return Difference.of(unpacked(record), unpacked(reference))


def _compare(what: str, record: Record, reference: Record) -> Comparison:
    return Comparison(what, record, reference, difference(record, reference))

"""Every figure of an evaluation: in which order, on which paths, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from latentwire.catalog import MINILM
from latentwire.evaluation import predictions as paths
from latentwire.evaluation.predictions import Predictions
from latentwire.evaluation.probes import MAX_TRAIN_ROWS, probe
from latentwire.evaluation.records import JOINED, Record, RecordStore, packed
from latentwire.evaluation.rows import SplitRows
from latentwire.evaluation.statistics import Accuracy
from latentwire.message import Encoding, Packet
from latentwire.models import HiddenStateEncoder
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.tasks.base import Split

FIGURES = ("text", "latent", "probes", "prefix", "encodings", "sizes")
PREFIXES = (1, 2, 4, 8, 16)
ENCODINGS: tuple[Encoding, ...] = ("f32", "f16", "bf16")
SIZES: tuple[tuple[int, Encoding], ...] = ((1, "int4"), (1, "int2"), (1, "sign"), (4, "sign"))
"""Few latents of few bits: how small a message can be."""


class Evaluation:
    """One evaluation: models loaded once, a text encoded once, records kept as they come.

    Args:
        output: Folder for ``records.jsonl``.
        data_dir: Data folder.
        senders: Name -> sender.
        receivers: Name -> receiver.
        tasks: Names of tasks.
        bars: Where progress is shown.
        limit: Only the first rows of each shuffled split.
        max_probe_rows: The most training rows of a linear probe.
        cache_dir: Where the probes' features are kept.
        studied: Senders whose prefixes and encodings are measured.
        split: Which rows; choices between variants are made on ``validation``.
    """

    def __init__(
        self,
        output: Path,
        data_dir: Path,
        senders: Mapping[str, Sender],
        receivers: Mapping[str, Receiver],
        tasks: Sequence[str],
        bars: Progress,
        *,
        limit: int | None = None,
        max_probe_rows: int = MAX_TRAIN_ROWS,
        cache_dir: Path | None = None,
        studied: Sequence[str] = (MINILM,),
        split: Split = "test",
    ) -> None:
        self.data_dir = data_dir
        self.senders = senders
        self.receivers = receivers
        self.bars = bars
        self.limit = limit
        self.max_probe_rows = max_probe_rows
        self.cache_dir = cache_dir
        self.studied = studied
        self.rows = {name: SplitRows.load(name, data_dir, limit, split) for name in tasks}
        self.parts = _fingerprints(senders, receivers)
        self.store = RecordStore(output, self._holds)

    def __call__(self, figures: Sequence[str]) -> list[Record]:
        """Compute the figures that are missing, and give every record."""
        for rows in self.rows.values():
            if "text" in figures:
                self._texts(rows)
            for name in self.senders:
                self._messages(rows, name, figures)
                if "probes" in figures:
                    self._probes(rows, name)
        return self.store.records

    def _texts(self, rows: SplitRows) -> None:
        """Each receiver reading the text, and answering without any."""
        for name, receiver in self.receivers.items():
            if self._has(rows, figure="text", receiver=name):
                continue
            with self._bar(f"{rows.task.name}: {name} reads", rows) as progress:
                found = paths.answer_texts(receiver, rows, progress)
            nothing = paths.answer_nothing(receiver, rows)
            used = [f"{name} model"]
            self._keep(rows, used, nothing, figure="no message", receiver=name)
            self._keep(rows, used, found, figure="text", receiver=name)

    def _messages(self, rows: SplitRows, sender: str, figures: Sequence[str]) -> None:
        """One sender to every receiver: whole messages with controls, prefixes, encodings."""
        packets: list[Packet] = []

        def encoded() -> list[Packet]:
            if not packets:  # only if some figure is still missing
                with self._bar(f"{rows.task.name}: {sender} encodes", rows) as progress:
                    packets.extend(paths.encode_rows(self.senders[sender], rows, progress))
            return packets

        def answered(receiver: str, k: int, encoding: Encoding) -> Predictions:
            what = f"{rows.task.name}: {sender} to {receiver}, k = {k}, {encoding}"
            with self._bar(what, rows) as progress:
                return paths.answer_packets(
                    self.receivers[receiver], encoded(), rows, progress, k=k, encoding=encoding
                )

        whole = self.senders[sender].manifest.num_latents
        if "latent" in figures:
            self._whole(rows, sender, whole, encoded, answered)
        if sender not in self.studied:
            return
        variants: list[tuple[str, str, int, Encoding]] = []
        if "prefix" in figures:
            variants += [
                ("prefix", name, k, "int8")
                for name in self.receivers
                for k in PREFIXES
                if k < whole
            ]
        name = list(self.receivers)[-1]  # one: the encoding acts on what all of them get
        if "encodings" in figures:
            variants += [("encodings", name, whole, encoding) for encoding in ENCODINGS]
        if "sizes" in figures:
            variants += [("sizes", name, min(k, whole), encoding) for k, encoding in SIZES]
        for figure, name, k, encoding in variants:
            key = {
                "figure": figure, "sender": sender, "receiver": name, "k": k, "encoding": encoding
            }  # fmt: skip
            if not self._has(rows, **key):
                self._keep(rows, self._used(sender, name), answered(name, k, encoding), **key)

    def _whole(
        self,
        rows: SplitRows,
        sender: str,
        k: int,
        encoded: Callable[[], list[Packet]],
        answered: Callable[[str, int, Encoding], Predictions],
    ) -> None:
        """All latents to every receiver, their controls, and the answer of two together."""
        path: dict[str, Any] = {"sender": sender, "k": k, "encoding": "int8"}
        pair = list(self.receivers)[:2]
        joint = {"figure": "joint", **path, "receiver": JOINED.join(pair)}
        # Probabilities are not kept: a missing joint answer takes both receivers' again.
        lacks_joint = len(pair) == 2 and not self._has(rows, **joint)
        full: dict[str, Predictions] = {}
        for name, receiver in self.receivers.items():
            key = {**path, "receiver": name}
            has_own = self._has(rows, figure="latent", **key)
            if has_own and not (lacks_joint and name in pair):
                continue
            full[name] = answered(name, k, "int8")
            if has_own:
                continue
            used = self._used(sender, name)
            others = full[name].given(rows.others())
            zeros = paths.answer_zeros(receiver, encoded()[0], rows)
            self._keep(rows, used, others, figure="other message", **key)
            self._keep(rows, used, zeros, figure="zero message", **key)
            self._keep(rows, used, full[name], figure="latent", **key)
        if lacks_joint:
            found = Predictions.jointly(*(full[name] for name in pair))
            self._keep(rows, self._used(sender, *pair), found, **joint)

    def _probes(self, rows: SplitRows, sender: str) -> None:
        """What is linearly readable of each layer that the sender's encoder reads."""
        encoder = self.senders[sender].encoder
        if isinstance(encoder, HiddenStateEncoder):
            layers = encoder.config.layer
            for layer in layers if isinstance(layers, tuple) else (layers,):
                self._probe(rows, sender, layer)

    def _probe(self, rows: SplitRows, sender: str, layer: int) -> None:
        frozen = self.senders[sender].frozen
        assert frozen is not None
        key = {
            "figure": "probe",
            "sender": sender,
            "layer": layer,
            "max_train_rows": self.max_probe_rows,
        }
        if self._has(rows, **key):
            return
        task = self.bars.add_task(f"{rows.task.name}: linear probe of {sender}", total=None)
        found = probe(
            frozen,
            layer,
            rows,
            self.data_dir,
            max_train_rows=self.max_probe_rows,
            cache_dir=self.cache_dir,
        )
        self.bars.remove_task(task)
        self._write(
            rows,
            [f"{sender} model"],
            found.is_right,
            **key,
            num_train_rows=found.num_train_rows,
            inverse_strength=found.inverse_strength,
        )

    # -- records -----------------------------------------------------------------------------

    def _holds(self, record: Record) -> bool:
        """Whether a kept record is about the models, parts and rows of this run."""
        rows = self.rows.get(record["task"])
        return (
            rows is not None
            and record["limit"] == self.limit
            and record["split"] == rows.digest
            and record["parts"].items() <= self.parts.items()
        )

    def _has(self, rows: SplitRows, **key: Any) -> bool:
        return self.store.has(task=rows.task.name, **key)

    def _keep(self, rows: SplitRows, used: list[str], found: Predictions, **key: Any) -> None:
        sizes = {"packet_bytes": found.mean_bytes, "compact_bytes": found.mean_compact_bytes}
        self._write(rows, used, found.is_right, **key, **sizes)

    def _write(
        self, rows: SplitRows, used: list[str], is_right: NDArray[np.bool_], **key: Any
    ) -> None:
        """Keep a record, with the fingerprints of the models and parts that it is about."""
        record = {
            "task": rows.task.name,
            **key,
            "accuracy": asdict(Accuracy.of(is_right)),
            "majority_percent": rows.majority_percent,
            "chance_percent": rows.chance_percent,
            "limit": self.limit,
            "split": rows.digest,
            **({} if rows.name == "test" else {"split_name": rows.name}),
            "parts": {name: self.parts[name] for name in used},
            "right": packed(is_right),
        }
        self.store.add(cast(Record, record))

    def _used(self, sender: str, *receivers: str) -> list[str]:
        """Names of everything between a text and an answer."""
        parts = [f"{sender} encoder"]
        for name in receivers:
            parts += [f"{name} model", f"{name} adapter"]
        return [f"{sender} model", *parts] if self.senders[sender].frozen is not None else parts

    def _bar(self, what: str, rows: SplitRows) -> _Bar:
        return _Bar(self.bars, what, len(rows.texts))


class _Bar:
    """A progress bar for as long as something is computed."""

    def __init__(self, bars: Progress, what: str, total: int) -> None:
        self.bars = bars
        self.task = bars.add_task(what, total=total)

    def __enter__(self) -> Callable[[int], None]:
        return lambda count: self.bars.advance(self.task, count)

    def __exit__(self, *_: object) -> None:
        self.bars.remove_task(self.task)


def _fingerprints(
    senders: Mapping[str, Sender], receivers: Mapping[str, Receiver]
) -> dict[str, str]:
    """Name of each model and part -> its fingerprint, hexadecimal."""
    found = {}
    for name, sender in senders.items():
        found[f"{name} encoder"] = sender.ref.fingerprint.hex()
        if sender.frozen is not None:
            found[f"{name} model"] = sender.frozen.weights_digest.hex()
    for name, receiver in receivers.items():
        found[f"{name} model"] = receiver.frozen.weights_digest.hex()
        found[f"{name} adapter"] = receiver.ref.fingerprint.hex()
    return found

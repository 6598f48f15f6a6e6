"""Which figures there are, in which order they are computed, and what is kept of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from latentwire.checkpoint import shipped_parts
from latentwire.errors import UsageError
from latentwire.evaluation import predictions as paths
from latentwire.evaluation.predictions import Predictions
from latentwire.evaluation.rows import SplitRows
from latentwire.evaluation.statistics import Accuracy, Difference
from latentwire.extras import require_extra
from latentwire.frozen.catalog import BYTES, MINILM, available_models
from latentwire.message import Encoding, Packet
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.tasks import TASKS
from latentwire.tasks.base import find_data_dir

logger = logging.getLogger(__name__)

FIGURES = ("text", "latent", "probes", "prefix", "encodings")
PREFIXES = (1, 2, 4, 8, 16)
ENCODINGS: tuple[Encoding, ...] = ("f32", "f16", "bf16")
MAX_PROBE_ROWS = 10_000

Record = dict[str, Any]


def run_evaluation(
    output: Path,
    *,
    data_dir: Path | None = None,
    figures: Sequence[str] = FIGURES,
    senders: Sequence[str] | None = None,
    receivers: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    limit: int | None = None,
) -> list[Record]:
    """Compute figures on test splits, keeping each as soon as it is there.

    A figure that ``output`` holds already for the same parts is not computed again.

    Args:
        output: Folder for ``records.jsonl``.
        data_dir: Data folder; default ``$LATENTWIRE_DATA``.
        figures: Of ``FIGURES``.
        senders: Names; default every shipped encoder whose model is at hand.
        receivers: Names; default every shipped adapter.
        tasks: Names; default all.
        limit: Only the first rows of each shuffled split: a quick look, marked as such.

    Returns:
        Every record of these parts, the kept ones included.

    Raises:
        UsageError: If a name is unknown or the data folder is missing.
        MissingExtraError: If probes are wanted and scikit-learn is missing.
    """
    if "probes" in figures:
        require_extra("eval", "sklearn")
    at_hand = [*available_models(), BYTES]
    chosen_senders = list(senders or (n for n in shipped_parts("encoder") if n in at_hand))
    chosen_receivers = list(receivers or shipped_parts("adapter"))
    chosen_tasks = list(tasks or TASKS)
    for kind, names, known in (
        ("figure", figures, FIGURES),
        ("task", chosen_tasks, tuple(TASKS)),
        ("sender", chosen_senders, tuple(shipped_parts("encoder"))),
        ("receiver", chosen_receivers, tuple(shipped_parts("adapter"))),
    ):
        for name in names:
            if name not in known:
                raise UsageError(f"no {kind} {name!r}", hint=f"there are: {', '.join(known)}")
    run = Run(output, find_data_dir(data_dir), chosen_senders, chosen_receivers, limit)
    with Progress(console=Console(stderr=True)) as bars:
        run.bars = bars
        for task in chosen_tasks:
            run.task(task, figures)
    return run.records


class Run:
    """One evaluation: the models loaded once, the records kept as they come."""

    bars: Progress

    def __init__(
        self,
        output: Path,
        data_dir: Path,
        senders: list[str],
        receivers: list[str],
        limit: int | None,
    ) -> None:
        self.data_dir = data_dir
        self.limit = limit
        self.senders = {name: Sender.from_pretrained(name) for name in senders}
        self.receivers = {name: Receiver.from_pretrained(name) for name in receivers}
        output.mkdir(parents=True, exist_ok=True)
        self.path = output / "records.jsonl"
        self.records: list[Record] = []
        if self.path.is_file():
            known = set(self.parts.items())
            for line in self.path.read_text().splitlines():
                record = json.loads(line)
                if set(record["parts"].items()) <= known and record["limit"] == limit:
                    self.records.append(record)

    @cached_property
    def parts(self) -> dict[str, str]:
        """Name of each part -> its fingerprint."""
        found = {f"{n} sends": s.ref.fingerprint.hex()[:12] for n, s in self.senders.items()}
        return found | {
            f"{n} receives": r.ref.fingerprint.hex()[:12] for n, r in self.receivers.items()
        }

    def task(self, name: str, figures: Sequence[str]) -> None:
        """Every figure of a task."""
        rows = SplitRows.load(name, self.data_dir, self.limit)
        if "text" in figures:
            self._texts(rows)
        for sender in self.senders:
            wanted = {"latent"} | ({"prefix", "encodings"} if sender == MINILM else set())
            if wanted & set(figures):
                self._latents(rows, sender, wanted & set(figures))
            if "probes" in figures and self.senders[sender].frozen is not None:
                self._probe(rows, sender)

    def _texts(self, rows: SplitRows) -> None:
        """Each receiver reading the text, and answering without any."""
        for name, receiver in self.receivers.items():
            if self._has(figure="text", task=rows.task.name, receiver=name):
                continue
            with self._bar(f"{rows.task.name}: {name} reads", rows) as progress:
                found = paths.answer_texts(receiver, rows, progress)
            self._keep(rows, [name], found, figure="text", receiver=name)
            nothing = paths.answer_nothing(receiver, rows)
            self._keep(rows, [name], nothing, figure="no message", receiver=name)

    def _latents(self, rows: SplitRows, sender: str, figures: set[str]) -> None:
        """One sender to every receiver: full length, controls, prefixes, encodings."""
        task = rows.task.name
        packets: list[Packet] = []

        def encoded() -> list[Packet]:
            if not packets:  # only if some figure is still missing
                with self._bar(f"{task}: {sender} encodes", rows) as progress:
                    packets.extend(paths.encode_rows(self.senders[sender], rows, progress))
            return packets

        full: dict[str, Predictions] = {}

        def answered(name: str, k: int | None, encoding: Encoding) -> Predictions:
            with self._bar(f"{task}: {sender} to {name}, k={k or 'all'}, {encoding}", rows) as bar:
                return paths.answer_packets(
                    self.receivers[name], encoded(), rows, bar, k=k, encoding=encoding
                )

        for name, receiver in self.receivers.items():
            path = {"sender": sender, "receiver": name}
            if "latent" in figures and not self._has(figure="latent", task=task, **path):
                full[name] = answered(name, None, "int8")
                used = [sender, name]
                others = full[name].given(rows.others())
                zeros = paths.answer_zeros(receiver, encoded()[0], rows)
                self._keep(rows, used, others, figure="other message", **path)
                self._keep(rows, used, zeros, figure="zero message", **path)
                self._keep(rows, used, full[name], figure="latent", **path)
        if len(full) > 1:
            self._joint(rows, sender, full)
        first = next(iter(reversed(self.receivers)))  # tiny-qwen of the shipped two
        variants: list[tuple[str, int | None, Encoding]] = []
        if "prefix" in figures:
            variants += [("prefix", k, "int8") for k in PREFIXES]
        if "encodings" in figures:
            variants += [("encodings", None, encoding) for encoding in ENCODINGS]
        for figure, k, encoding in variants:
            key = {"sender": sender, "receiver": first, "k": k, "encoding": encoding}
            if not self._has(figure=figure, task=task, **key):
                found = answered(first, k, encoding)
                self._keep(rows, [sender, first], found, figure=figure, **key)

    def _joint(self, rows: SplitRows, sender: str, full: dict[str, Predictions]) -> None:
        """The product of two receivers against the better one of them."""
        (one, first), (other, second), *_ = full.items()
        joint = Predictions.jointly(first, second)
        better = max((first, second), key=lambda found: float(found.is_right.mean()))
        self._keep(
            rows,
            [sender, one, other],
            joint,
            figure="joint",
            sender=sender,
            receiver=f"{one} x {other}",
            against_better=asdict(Difference.of(joint.is_right, better.is_right)),
        )

    def _probe(self, rows: SplitRows, sender: str) -> None:
        if self._has(figure="probe", task=rows.task.name, sender=sender):
            return
        from latentwire.evaluation.probes import probe

        frozen = self.senders[sender].frozen
        assert frozen is not None
        layer = int(self.senders[sender].encoder.config.layer)  # type: ignore[union-attr]
        right = probe(frozen, layer, rows, self.data_dir, MAX_PROBE_ROWS)
        self._write(
            rows,
            [sender],
            figure="probe",
            sender=sender,
            layer=layer,
            max_train_rows=MAX_PROBE_ROWS,
            accuracy=asdict(Accuracy.of(right)),
        )

    def _keep(
        self, rows: SplitRows, used: list[str], found: Predictions, *, figure: str, **more: Any
    ) -> None:
        self._write(
            rows,
            used,
            figure=figure,
            **more,
            accuracy=asdict(Accuracy.of(found.is_right)),
            packet_bytes=found.mean_bytes,
            right=_packed(found.is_right),
        )

    def _write(self, rows: SplitRows, used: list[str], **record: Any) -> None:
        """Append a record, with the fingerprints of the parts that it is about."""
        parts = {key: value for key, value in self.parts.items() if key.rpartition(" ")[0] in used}
        whole = {
            "task": rows.task.name,
            **record,
            "majority_percent": rows.majority_percent,
            "limit": self.limit,
            "parts": parts,
        }
        self.records.append(whole)
        with self.path.open("a") as file:
            print(json.dumps(whole), file=file)

    def _has(self, **key: Any) -> bool:
        return any(
            all(record.get(field) == value for field, value in key.items())
            for record in self.records
        )

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


def _packed(is_right: np.ndarray) -> str:
    """Which rows are right, as hexadecimal bits: enough for paired comparisons later."""
    return np.packbits(is_right).tobytes().hex()

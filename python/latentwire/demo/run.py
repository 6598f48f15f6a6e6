"""What the demonstration does and measures, without how it is shown."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from latentwire.answer import Answer
from latentwire.demo.samples import NUM_PER_TASK, Sample, load_samples
from latentwire.exchange import Host, ask_jointly
from latentwire.message import Encoding, Packet
from latentwire.questions import REPEAT_QUESTION

RELAY_TOKENS = 32
PATHS = ("latent", "text", "text_relay", "no_message", "other_message")


@dataclass(frozen=True)
class RowResult:
    """One sentence on every path.

    Attributes:
        sample: The sentence and its question.
        answers: Path -> the receiver's answer.
        packet_bytes: Size of the packet.
        text_bytes: Size of the sentence in UTF-8.
        relayed: What the sender wrote for the receiver to read in the text relay.
        milliseconds: ``latent``, ``text`` and ``text_relay``, each from the client's call to its
            answer, the network included.
    """

    sample: Sample
    answers: dict[str, Answer]
    packet_bytes: int
    text_bytes: int
    relayed: str
    milliseconds: dict[str, float]

    def is_right(self, path: str) -> bool:
        """Whether the answer of a path is the right one."""
        return self.answers[path].choice == self.sample.right


@dataclass
class DemoResult:
    """All rows so far, and what they come to."""

    rows: list[RowResult] = field(default_factory=list)

    def accuracy(self, path: str, task: str | None = None) -> float | None:
        """Share of right answers of a path within 0..1; None where no right answer is known."""
        known = [
            row
            for row in self.rows
            if row.sample.right is not None and task in (None, row.sample.task)
        ]
        return sum(row.is_right(path) for row in known) / len(known) if known else None

    @property
    def tasks(self) -> list[str]:
        """Tasks of the rows, in order of appearance."""
        return list(dict.fromkeys(row.sample.task for row in self.rows))

    def summary(self) -> dict[str, Any]:
        """Accuracies within 0..1, mean bytes, median milliseconds."""
        return {
            "rows": len(self.rows),
            "accuracy": {path: self.accuracy(path) for path in PATHS},
            "accuracy_by_task": {
                task: {path: self.accuracy(path, task) for path in PATHS} for task in self.tasks
            },
            "bytes": {
                "packet": round(statistics.mean(row.packet_bytes for row in self.rows), 1),
                "text": round(statistics.mean(row.text_bytes for row in self.rows), 1),
            },
            "latency_ms": {
                path: round(statistics.median(row.milliseconds[path] for row in self.rows), 2)
                for path in ("latent", "text", "text_relay")
            },
        }

    def to_json(self, about: dict[str, str]) -> dict[str, Any]:
        """What was run where, every row and the summary, as JSON values."""
        rows = [
            {
                **asdict(row.sample),
                "answers": {path: answer.choice for path, answer in row.answers.items()},
                "probability": round(row.answers["latent"].probability, 4),
                "bytes": {"packet": row.packet_bytes, "text": row.text_bytes},
                "latency_ms": {path: round(ms, 2) for path, ms in row.milliseconds.items()},
                "relayed_text": row.relayed,
            }
            for row in self.rows
        ]
        return {"about": about, "rows": rows, "summary": self.summary()}


def run_demo(
    sender: Host,
    receivers: Sequence[Host],
    samples: Sequence[Sample],
    *,
    k: int | None = None,
    encoding: Encoding = "int8",
) -> Iterator[RowResult]:
    """Send every sentence on every path, yielding rows as they are answered.

    Args:
        sender: Host that encodes, and that writes the text of the relay.
        receivers: Hosts that answer: one, or several jointly.
        samples: Sentences; another example's message is that of the next row of the same task, or
            of a shipped sentence where there is no such row.
        k: Latents to send; default all.
        encoding: Payload encoding.
    """
    if not samples:
        return
    _warm_up(sender, receivers, samples, k, encoding)
    shipped = load_samples(NUM_PER_TASK)
    nothing: dict[tuple[str | None, tuple[str, ...]], Answer] = {}
    for index, sample in enumerate(samples):
        asked: dict[str, Any] = {"question": sample.question, "choices": sample.choices}
        key = (sample.question, sample.choices)
        if key not in nothing:
            nothing[key] = Answer.jointly([host.ask_nothing(**asked) for host in receivers])
        other = sender.encode(_another(samples, index, shipped).text, k=k, encoding=encoding)
        answers = {
            "no_message": nothing[key],
            "other_message": ask_jointly(receivers, other, **asked),
        }
        stopwatch = _Stopwatch()
        packet = sender.encode(sample.text, k=k, encoding=encoding)
        answers["latent"] = ask_jointly(receivers, packet, **asked)
        stopwatch.lap("latent")
        answers["text"] = _read_jointly(receivers, sample.text, asked)
        stopwatch.lap("text")
        relayed = sender.generate_text(
            sample.text, question=REPEAT_QUESTION, max_new_tokens=RELAY_TOKENS
        )
        # A model may write nothing at all; its reader then has one full stop to read.
        answers["text_relay"] = _read_jointly(receivers, relayed or ".", asked)
        stopwatch.lap("text_relay")
        yield RowResult(
            sample=sample,
            answers=answers,
            packet_bytes=len(packet),
            text_bytes=len(sample.text.encode()),
            relayed=relayed,
            milliseconds=stopwatch.milliseconds,
        )


class _Stopwatch:
    """Milliseconds of one thing after another."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """What has passed since the last lap was for this."""
        now = time.perf_counter()
        self.milliseconds[name] = 1000 * (now - self._last)
        self._last = now


def _read_jointly(receivers: Sequence[Host], text: str, asked: dict[str, Any]) -> Answer:
    return Answer.jointly([host.ask_text(text, **asked) for host in receivers])


def _another(samples: Sequence[Sample], index: int, shipped: Sequence[Sample]) -> Sample:
    """The next sample of the same task, around the end; if there is none, a shipped sample.

    Never one of the same text: a control that sends the sample's own message would be none.
    """
    here = samples[index]
    candidates = [
        sample
        for sample in (*samples[index + 1 :], *samples[:index], *shipped)
        if sample.text != here.text
    ]
    same_task = (sample for sample in candidates if sample.task == here.task)
    # A visitor's sentence has no shipped one of its task: any other text is a control, too.
    return next(same_task, candidates[0])


def _warm_up(
    sender: Host,
    receivers: Sequence[Host],
    samples: Sequence[Sample],
    k: int | None,
    encoding: Encoding,
) -> None:
    """One uncounted call of each kind: first calls pay for set-up that later ones do not."""
    sample = samples[0]
    asked: dict[str, Any] = {"question": sample.question, "choices": sample.choices}
    packet: Packet = sender.encode(sample.text, k=k, encoding=encoding)
    sender.generate_text(sample.text, question=REPEAT_QUESTION, max_new_tokens=4)
    for host in receivers:
        host.ask(packet, **asked)
        host.ask_text(sample.text, **asked)

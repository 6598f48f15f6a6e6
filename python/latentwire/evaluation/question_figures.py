"""What receivers answer to questions that the sender never saw, each figure beside its controls."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor

from latentwire.durable import whole_lines
from latentwire.evaluation.question_rows import QuestionRows
from latentwire.evaluation.statistics import Accuracy
from latentwire.frozen import FrozenModel
from latentwire.frozen.scoring import text_prefix
from latentwire.judging import judge
from latentwire.message import Message, Packet
from latentwire.receiver import Receiver
from latentwire.sender import Sender

FILE = "questions.jsonl"

Reads = Callable[[NDArray[np.int64]], tuple[Tensor, Tensor]]
"""Row numbers -> what the receiver reads: a prefix and its mask."""


@dataclass(frozen=True)
class Way:
    """How a receiver comes to know of a text, or not.

    Attributes:
        model: What answers.
        reads: What it is given for the rows of a batch.
    """

    model: FrozenModel
    reads: Reads


@dataclass(frozen=True)
class QuestionFigure:
    """Accuracy of one path on questions of one kind.

    Attributes:
        kind: Kind of question, or a part of it.
        path: ``text``, ``no message``, ``latent``, ``zero message`` or ``other message``;
            ``other seed`` is the message of parts that were trained with another seed, ``alone`` of
            parts that were trained for this kind alone.
        sender: Who sent; empty where nobody did.
        receiver: Who was asked.
        accuracy: With its interval.
        majority_percent: What a constant guess reaches.
        packet_bytes: Mean size of a packet; 0 where none was sent.
        split: Digest of the rows.
        parts: Fingerprints of models and parts on the path.
    """

    kind: str
    path: str
    sender: str
    receiver: str
    accuracy: Accuracy
    majority_percent: float
    packet_bytes: float
    split: str
    parts: dict[str, str]


class QuestionEvaluation:
    """Asks every receiver every question after every sender's message, and keeps what was found.

    Figures that the output folder holds already, of the same rows and parts, are not computed
    again.

    Args:
        output: Folder for ``questions.jsonl``.
        senders: Name -> sender.
        receivers: Name -> receiver.
        bars: Where progress is shown.
        beside: Measure messages only, under this path: those of other parts than the ones that
            controls are measured of.
    """

    def __init__(
        self,
        output: Path,
        senders: Mapping[str, Sender],
        receivers: Mapping[str, Receiver],
        bars: Progress,
        *,
        beside: Literal["other seed", "alone"] | None = None,
    ) -> None:
        self.beside = beside
        self.senders = senders
        self.receivers = receivers
        self.bars = bars
        self.path = output / FILE
        output.mkdir(parents=True, exist_ok=True)
        self.kept = [_figure(json.loads(line)) for line in whole_lines(self.path)]

    def __call__(self, kinds: Sequence[QuestionRows]) -> list[QuestionFigure]:
        """Compute what is missing and give all figures of these kinds, in their order."""
        found: list[QuestionFigure] = []
        for rows in kinds:
            for name in self.receivers:
                if self.beside is None:
                    found += self._without_sender(rows, name)
                for sender in self.senders:
                    found += self._messages(rows, sender, name)
        return found

    def _without_sender(self, rows: QuestionRows, name: str) -> list[QuestionFigure]:
        """The receiver reading the text, and answering without any message."""
        receiver = self.receivers[name]
        frozen = receiver.frozen

        def nothing(batch: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
            prefix = torch.zeros(len(batch), 0, frozen.hidden_size, device=frozen.device)
            return prefix, torch.zeros(len(batch), 0, dtype=torch.bool, device=frozen.device)

        def text(batch: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
            return text_prefix(frozen, [rows.asked[row].text for row in batch])

        # Texts are read by the model as it was published, messages through what adapts it.
        ways = {"text": Way(frozen, text), "no message": Way(receiver.listener, nothing)}
        return self._figures(rows, "", name, ways)

    def _messages(self, rows: QuestionRows, sender: str, name: str) -> list[QuestionFigure]:
        """A sender's messages, and what controls put in their place."""
        receiver = self.receivers[name]
        packets: dict[str, bytes] = {}

        def sent(batch: NDArray[np.int64]) -> list[bytes]:
            missing = list(dict.fromkeys(
                text for text in (rows.asked[row].text for row in batch) if text not in packets
            ))  # fmt: skip
            if missing:
                made = self.senders[sender].encode_batch(missing)
                packets.update(zip(missing, map(bytes, made), strict=True))
            return [packets[rows.asked[row].text] for row in batch]

        def zeros(batch: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
            real = Packet.from_bytes(sent(batch[:1])[0]).decode()
            empty = Message(
                latents=np.zeros_like(real.latents), sender=real.sender, space=real.space
            )
            return receiver.read([bytes(empty.encode("int8"))] * len(batch))

        message = Way(receiver.listener, lambda batch: receiver.read(sent(batch)))
        if self.beside is not None:
            return self._figures(rows, sender, name, {self.beside: message}, packets)
        others = rows.others()
        ways = {
            "latent": message,
            "zero message": Way(receiver.listener, zeros),
            "other message": Way(
                receiver.listener, lambda batch: receiver.read(sent(others[batch]))
            ),
        }
        return self._figures(rows, sender, name, ways, packets)

    def _figures(
        self,
        rows: QuestionRows,
        sender: str,
        receiver: str,
        ways: Mapping[str, Way],
        packets: Mapping[str, bytes] | None = None,
    ) -> list[QuestionFigure]:
        asked = self.receivers[receiver]
        parts = {f"{receiver} model": asked.frozen.weights_digest.hex()}
        if sender:
            parts[f"{receiver} adapter"] = asked.ref.fingerprint.hex()
            parts[f"{sender} encoder"] = self.senders[sender].ref.fingerprint.hex()
        groups = rows.groups()
        found: list[QuestionFigure] = []
        for path, way in ways.items():
            known = [
                figure
                for figure in self.kept
                if (figure.path, figure.sender, figure.receiver) == (path, sender, receiver)
                and (figure.split, figure.parts) == (rows.digest, parts)
            ]
            if len(known) < len(groups):
                right = self._answers(rows, way, f"{rows.kind}: {sender} to {receiver}, {path}")
                sizes = [len(data) for data in (packets or {}).values()]
                mean = (
                    round(float(np.mean(sizes)), 1)
                    if sizes and path in ("latent", self.beside)
                    else 0.0
                )
                known = [
                    QuestionFigure(
                        kind,
                        path,
                        sender,
                        receiver,
                        Accuracy.of(right[chosen]),
                        rows.majority_percent(chosen),
                        mean,
                        rows.digest,
                        parts,
                    )
                    for kind, chosen in groups.items()
                ]
                self._keep(known)
            found += known
        return found

    def _answers(self, rows: QuestionRows, way: Way, what: str) -> NDArray[np.bool_]:
        """Which rows are answered right, bool [N]."""
        right = np.zeros(len(rows.asked), dtype=bool)
        bar = self.bars.add_task(what, total=len(right))
        for batch in rows.batches():
            with torch.inference_mode():
                prefix, mask = way.reads(batch)
                judged = judge(way.model, prefix, mask, [rows.asked[row] for row in batch])
            right[batch] = judged.are_right.numpy()
            self.bars.advance(bar, len(batch))
        self.bars.remove_task(bar)
        return right

    def _keep(self, figures: Sequence[QuestionFigure]) -> None:
        self.kept += figures
        with self.path.open("a") as file:
            for figure in figures:
                print(json.dumps(asdict(figure)), file=file)


def _figure(fields: dict[str, Any]) -> QuestionFigure:
    return QuestionFigure(**{**fields, "accuracy": Accuracy(**fields["accuracy"])})

"""What receivers answer: log-probabilities of every row of a test split on one path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentwire.evaluation.rows import SplitRows
from latentwire.message import Encoding, Message, Packet, Route
from latentwire.receiver import Receiver
from latentwire.sender import Sender

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Predictions:
    """Answers of one path.

    Attributes:
        log_probabilities: float32 [N, C], in the order of the rows.
        labels: int64 [N].
        mean_bytes: Mean size of a packet; 0 where none was sent.
        mean_compact_bytes: The same between hosts that have agreed on a route.
    """

    log_probabilities: NDArray[np.float32]
    labels: NDArray[np.int64]
    mean_bytes: float = 0.0
    mean_compact_bytes: float = 0.0

    @property
    def is_right(self) -> NDArray[np.bool_]:
        """Which rows are answered right, bool [N]."""
        right: NDArray[np.bool_] = self.log_probabilities.argmax(1) == self.labels
        return right

    def given(self, others: NDArray[np.int64]) -> Predictions:
        """Every row judged by the answer to another row's message.

        An answer depends on the message and the question only, so nothing is computed again.
        """
        return replace(self, log_probabilities=self.log_probabilities[others])

    @staticmethod
    def jointly(first: Predictions, second: Predictions) -> Predictions:
        """Product of the probabilities of two receivers."""
        scores = first.log_probabilities + second.log_probabilities
        return replace(first, log_probabilities=scores)


def encode_rows(sender: Sender, rows: SplitRows, progress: Progress) -> list[Packet]:
    """One full-length f32 packet a row: what ``shortened`` makes shorter packets of."""
    packets: list[Packet | None] = [None] * len(rows.texts)
    for batch in rows.batches():
        made = sender.encode_batch([rows.texts[row] for row in batch], encoding="f32")
        for row, packet in zip(batch, made, strict=True):
            packets[row] = packet
        progress(len(batch))
    return [packet for packet in packets if packet is not None]


def shortened(packet: Packet, k: int | None, encoding: Encoding) -> Packet:
    """The packet of the first k latents in another encoding.

    It is the very packet that the sender would write for k and this encoding, for no latent depends
    on those after it; a test says so.
    """
    message = packet.decode()
    return Message(
        latents=message.latents[:k],
        sender=message.sender,
        space=message.space,
        message_id=message.message_id,
    ).encode(encoding)


def answer_packets(
    receiver: Receiver,
    packets: list[Packet],
    rows: SplitRows,
    progress: Progress,
    *,
    k: int | None = None,
    encoding: Encoding = "int8",
) -> Predictions:
    """Send the first k latents of every row as bytes in an encoding, and answer."""
    sizes: list[tuple[int, int]] = []

    def answer(batch: NDArray[np.int64]) -> list[tuple[float, ...]]:
        sent = [bytes(shortened(packets[row], k, encoding)) for row in batch]
        sizes.extend((len(data), _compact_size(data, encoding)) for data in sent)
        answers = receiver.ask_batch(sent, question=rows.task.question, choices=rows.task.choices)
        return [answer.log_probabilities for answer in answers]

    found = _by_batch(rows, progress, answer)
    whole, compact = (round(float(size), 1) for size in np.mean(sizes, axis=0))
    return Predictions(found, rows.labels, whole, compact)


def _compact_size(data: bytes, encoding: Encoding) -> int:
    """Bytes of a packet as the first message of its route, which says the rest."""
    packet = Packet.from_bytes(data)
    route = Route(id=1, sender=packet.sender, space=packet.space)
    message = replace(packet.decode(), message_id=route.message_id(0))
    return len(bytes(message.encode(encoding, route=route)))


def answer_texts(receiver: Receiver, rows: SplitRows, progress: Progress) -> Predictions:
    """The receiver reads every text itself."""

    def answer(batch: NDArray[np.int64]) -> list[tuple[float, ...]]:
        texts = [rows.texts[row] for row in batch]
        answers = receiver.ask_text_batch(
            texts, question=rows.task.question, choices=rows.task.choices
        )
        return [answer.log_probabilities for answer in answers]

    return Predictions(_by_batch(rows, progress, answer), rows.labels)


def answer_nothing(receiver: Receiver, rows: SplitRows) -> Predictions:
    """No message at all: one answer for every row."""
    answer = receiver.ask_nothing(question=rows.task.question, choices=rows.task.choices)
    return _constant(answer.log_probabilities, rows)


def answer_zeros(receiver: Receiver, packet: Packet, rows: SplitRows) -> Predictions:
    """A message of zeros in the place of a sender's: one answer for every row."""
    message = packet.decode()
    zeros = Message(
        latents=np.zeros_like(message.latents), sender=message.sender, space=message.space
    )
    answer = receiver.ask(
        zeros.encode("int8"), question=rows.task.question, choices=rows.task.choices
    )
    return _constant(answer.log_probabilities, rows)


def _constant(log_probabilities: tuple[float, ...], rows: SplitRows) -> Predictions:
    row = np.array(log_probabilities, dtype=np.float32)
    return Predictions(np.tile(row, (len(rows.texts), 1)), rows.labels)


def _by_batch(
    rows: SplitRows,
    progress: Progress,
    answer: Callable[[NDArray[np.int64]], list[tuple[float, ...]]],
) -> NDArray[np.float32]:
    found = np.empty((len(rows.texts), len(rows.task.choices)), dtype=np.float32)
    for batch in rows.batches():
        found[batch] = answer(batch)
        progress(len(batch))
    return found

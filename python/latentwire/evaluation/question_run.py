"""The entry of ``latentwire eval-questions``: names to loaded models, kinds to figures."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from rich.console import Console
from rich.progress import Progress

from latentwire.errors import UsageError
from latentwire.evaluation.parts_at_hand import (
    Located,
    check_known,
    locate_parts,
    only_kind,
    open_receivers,
    open_senders,
)
from latentwire.evaluation.question_figures import QuestionEvaluation, QuestionFigure
from latentwire.evaluation.question_rows import QuestionRows
from latentwire.frozen import FrozenModel
from latentwire.frozen.scoring import PROMPT_ROOM
from latentwire.tasks.asked import QUESTION_SETS
from latentwire.tasks.base import Split, find_data_dir

logger = logging.getLogger(__name__)


def run_question_evaluation(
    output: Path,
    *,
    data_dir: Path | None = None,
    run_dir: Path | None = None,
    senders: Sequence[str] | None = None,
    receivers: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    limit: int | None = None,
    split: Split = "test",
    other_seeds: Sequence[Path] = (),
    alone: Sequence[Path] = (),
) -> list[QuestionFigure]:
    """Ask receivers questions of every kind after senders' messages.

    Args:
        output: Folder for ``questions.jsonl``.
        data_dir: Data folder; default ``$LATENTWIRE_DATA``.
        run_dir: Run folder that the parts are taken from, or from the space that it joined;
            default: those that are shipped.
        senders: Names; default every sender whose encoder is there.
        receivers: Names; default every receiver whose adapter is there.
        kinds: Kinds of questions; default all.
        limit: The most questions of a kind.
        split: ``test``; or ``validation``, for choices between variants.
        other_seeds: Folders of runs of the same recipe with other seeds: their messages are
            measured beside.
        alone: Folders of runs that were trained for one kind of question each, with the same
            senders and receivers: their messages are measured beside, each on its kind.

    Texts that a model cannot read whole are left out, for all paths.

    Raises:
        UsageError: If a name is unknown or a file is missing.
    """
    chosen = list(kinds or QUESTION_SETS)
    check_known("kind of question", chosen, QUESTION_SETS)
    encoders, adapters = locate_parts("encoder", run_dir), locate_parts("adapter", run_dir)
    check_known("sender", senders or (), encoders)
    check_known("receiver", receivers or (), adapters)
    trained_alone = _by_kind(alone, chosen)
    again = [_Parts.of(run) for run in other_seeds]
    folder = find_data_dir(data_dir)
    loaded_senders = open_senders(encoders, senders)
    loaded_receivers = open_receivers(adapters, receivers)
    readers = [
        *((sender.frozen, 0) for sender in loaded_senders.values() if sender.frozen),
        *((receiver.frozen, PROMPT_ROOM) for receiver in loaded_receivers.values()),
    ]
    with Progress(console=Console(stderr=True)) as bars:
        asked = [_that_fit(QuestionRows.load(k, split, folder, limit), readers) for k in chosen]
        found = QuestionEvaluation(output, loaded_senders, loaded_receivers, bars)(asked)

        def beside(
            parts: _Parts, path: Literal["other seed", "alone"], kinds: Sequence[QuestionRows]
        ) -> list[QuestionFigure]:
            opened = (
                open_senders(parts.encoders, list(loaded_senders)),
                open_receivers(parts.adapters, list(loaded_receivers)),
            )
            return QuestionEvaluation(output, *opened, bars, beside=path)(kinds)

        for parts in again:
            found += beside(parts, "other seed", asked)
        for rows in asked:
            if rows.kind in trained_alone:
                found += beside(trained_alone[rows.kind], "alone", [rows])
    return found


class _Parts(NamedTuple):
    """Where the parts of a run lie."""

    encoders: Located
    adapters: Located

    @classmethod
    def of(cls, run: Path) -> _Parts:
        """Those of a run.

        Raises:
            UsageError: If it has none.
        """
        return cls(locate_parts("encoder", run), locate_parts("adapter", run))


def _by_kind(runs: Sequence[Path], kinds: Sequence[str]) -> dict[str, _Parts]:
    """Runs by the kind that each was trained for; all are looked at before anything is computed."""
    found: dict[str, _Parts] = {}
    for run in runs:
        kind = only_kind(run)
        if kind not in kinds:
            raise UsageError(
                f"{run} was trained for {kind} alone, which is not measured",
                hint=f"add --kind {kind}, or leave the run out",
            )
        if kind in found:
            raise UsageError(
                f"{run} was trained for {kind} alone, as another run was that is named before it",
                hint="name one run for a kind",
            )
        found[kind] = _Parts.of(run)
    return found


def _that_fit(rows: QuestionRows, readers: Sequence[tuple[FrozenModel, int]]) -> QuestionRows:
    """Leave out questions to texts that a model cannot read whole: all paths get the same rows."""
    fit = [True] * len(rows.asked)
    for frozen, reserved in readers:
        room = frozen.text_room - reserved
        sizes = map(len, frozen.tokenize([row.text for row in rows.asked]))
        fit = [fits and size <= room for fits, size in zip(fit, sizes, strict=True)]
    if not all(fit):
        logger.warning("%s: %d texts are too long for a model", rows.kind, fit.count(False))
    kept = [row for row, fits in zip(rows.asked, fit, strict=True) if fits]
    return QuestionRows(rows.kind, kept)

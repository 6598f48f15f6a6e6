"""The entry of ``latentwire eval-questions``: names to loaded models, kinds to figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from latentwire.catalog import BYTES, available_models
from latentwire.checkpoint import Part, shipped_parts
from latentwire.errors import UsageError
from latentwire.evaluation.question_figures import QuestionEvaluation, QuestionFigure
from latentwire.evaluation.question_rows import QuestionRows
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.tasks.asked import QUESTION_SETS
from latentwire.tasks.base import Split, find_data_dir


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
) -> list[QuestionFigure]:
    """Ask receivers questions of every kind after senders' messages.

    Args:
        output: Folder for ``questions.jsonl``.
        data_dir: Data folder; default ``$LATENTWIRE_DATA``.
        run_dir: Run folder that the parts are taken from; default: those that are shipped.
        senders: Names; default every sender whose encoder is there.
        receivers: Names; default every receiver whose adapter is there.
        kinds: Kinds of questions; default all.
        limit: The most questions of a kind.
        split: ``test``; or ``validation``, for choices between variants.

    Raises:
        UsageError: If a name is unknown or a file is missing.
    """
    chosen = list(kinds or QUESTION_SETS)
    _check_known("kind of question", chosen, QUESTION_SETS)
    encoders = _parts("encoder", run_dir)
    adapters = _parts("adapter", run_dir)
    _check_known("sender", senders or (), encoders)
    _check_known("receiver", receivers or (), adapters)
    folder = find_data_dir(data_dir)
    rows = [QuestionRows.load(kind, split, folder, limit) for kind in chosen]
    with Progress(console=Console(stderr=True)) as bars:
        run = QuestionEvaluation(
            output,
            {
                name: Sender.from_pretrained(model, encoder=part)
                for name, (model, part) in encoders.items()
                if name in (senders or encoders)
            },
            {
                name: Receiver.from_pretrained(model, adapter=part)
                for name, (model, part) in adapters.items()
                if name in (receivers or adapters)
            },
            bars,
        )
        return run(rows)


def _parts(role: str, run_dir: Path | None) -> dict[str, tuple[str, str | None]]:
    """Name -> model and folder of its part; no folder where it is the shipped one."""
    if run_dir is None:
        at_hand = [*available_models(), BYTES]
        return {name: (name, None) for name in shipped_parts(role) if name in at_hand}
    folders = sorted(path for path in (run_dir / f"{role}s").glob("*") if path.is_dir())
    if not folders:
        raise UsageError(
            f"{run_dir} holds no {role}", hint="name a folder that latentwire train left"
        )
    return {path.name: (Part.load(path, role).model, str(path)) for path in folders}


def _check_known(what: str, names: Sequence[str], known: Sequence[str] | dict[str, object]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"no {what} {name!r}", hint=f"there are: {', '.join(known)}")

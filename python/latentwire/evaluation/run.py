"""The entry of ``latentwire eval``: names to loaded models, figures to records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from latentwire.catalog import MINILM
from latentwire.errors import UsageError
from latentwire.evaluation.figures import FIGURES, Evaluation
from latentwire.evaluation.parts_at_hand import (
    check_known,
    locate_parts,
    open_receivers,
    open_senders,
)
from latentwire.evaluation.probes import MAX_TRAIN_ROWS
from latentwire.evaluation.records import Record
from latentwire.extras import require_extra
from latentwire.tasks import TASKS
from latentwire.tasks.base import Split, find_data_dir


def run_evaluation(
    output: Path,
    *,
    data_dir: Path | None = None,
    run_dir: Path | None = None,
    figures: Sequence[str] = FIGURES,
    senders: Sequence[str] | None = None,
    receivers: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    limit: int | None = None,
    max_probe_rows: int = MAX_TRAIN_ROWS,
    cache_dir: Path | None = None,
    split: Split = "test",
) -> list[Record]:
    """Compute figures on a split, keeping each as soon as it is there.

    A figure that ``output`` holds already, for the same models, parts and rows, is not computed
    again.

    Args:
        output: Folder for ``records.jsonl``.
        data_dir: Data folder; default ``$LATENTWIRE_DATA``.
        run_dir: Run folder that the parts are taken from, or from the space that it joined;
            default: those that are shipped.
        figures: Of ``FIGURES``; the controls come with ``text`` and ``latent``.
        senders: Names; default every one whose encoder is there. Prefixes and encodings are
            measured for these, by default for MiniLM alone, or for all of a run.
        receivers: Names; default every one whose adapter is there.
        tasks: Names; default all.
        limit: Only the first rows of each shuffled split: a quick look, marked as such.
        max_probe_rows: The most training rows of a linear probe.
        cache_dir: Where the probes' features are kept between runs; None keeps nothing.
        split: ``test``; or ``validation``, for choices between variants.

    Returns:
        Every record of these models, parts and tasks, the kept ones included.

    Raises:
        UsageError: If a name is unknown, the data folder is missing, or ``limit`` is below 2.
        MissingExtraError: If probes are wanted and scikit-learn is missing.
    """
    if limit is not None and limit < 2:
        raise UsageError(f"limit must be at least 2 rows, not {limit}: a control needs another row")
    if "probes" in figures:
        require_extra("eval", "sklearn")
    encoders, adapters = locate_parts("encoder", run_dir), locate_parts("adapter", run_dir)
    chosen_tasks = list(tasks or TASKS)
    check_known("figure", figures, FIGURES)
    check_known("task", chosen_tasks, TASKS)
    check_known("sender", senders or (), encoders)
    check_known("receiver", receivers or (), adapters)
    folder = find_data_dir(data_dir)
    with Progress(console=Console(stderr=True)) as bars:
        run = Evaluation(
            output,
            folder,
            open_senders(encoders, senders),
            open_receivers(adapters, receivers),
            chosen_tasks,
            bars,
            limit=limit,
            max_probe_rows=max_probe_rows,
            cache_dir=cache_dir,
            studied=senders or ((MINILM,) if run_dir is None else tuple(encoders)),
            split=split,
        )
        return run(figures)

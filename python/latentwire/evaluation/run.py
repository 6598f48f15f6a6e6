"""The entry of ``latentwire eval``: names to loaded models, figures to records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from latentwire.catalog import BYTES, MINILM, available_models
from latentwire.checkpoint import shipped_parts
from latentwire.errors import UsageError
from latentwire.evaluation.figures import FIGURES, Evaluation
from latentwire.evaluation.probes import MAX_TRAIN_ROWS
from latentwire.evaluation.records import Record
from latentwire.extras import require_extra
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.tasks import TASKS
from latentwire.tasks.base import Split, find_data_dir


def run_evaluation(
    output: Path,
    *,
    data_dir: Path | None = None,
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
        figures: Of ``FIGURES``; the controls come with ``text`` and ``latent``.
        senders: Names; default every shipped encoder whose model is at hand. Prefixes and encodings
            are measured for these, by default for MiniLM alone.
        receivers: Names; default every shipped adapter.
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
    folder = find_data_dir(data_dir)
    with Progress(console=Console(stderr=True)) as bars:
        run = Evaluation(
            output,
            folder,
            {name: Sender.from_pretrained(name) for name in chosen_senders},
            {name: Receiver.from_pretrained(name) for name in chosen_receivers},
            chosen_tasks,
            bars,
            limit=limit,
            max_probe_rows=max_probe_rows,
            cache_dir=cache_dir,
            studied=senders or (MINILM,),
            split=split,
        )
        return run(figures)

"""The rows of a stage, and what encoders read of them: loaded and cached before the first step."""

from __future__ import annotations

from pathlib import Path

from accelerate import Accelerator
from rich.console import Console
from rich.progress import Progress

from latentwire.frozen import FrozenModel
from latentwire.models import ByteEncoder
from latentwire.models.registry import Encoder
from latentwire.models.whitening import Whitening
from latentwire.training.data import Rows
from latentwire.training.feature_cache import FeatureCache
from latentwire.training.features import ByteInputs, EncoderInputs, JoinedCaches, StateInputs
from latentwire.training.passages import load_passages
from latentwire.training.question_data import load_held_out_questions, load_questions
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.soft_labels import SoftLabels

_STATES_MEASURED = 50_000


def load_rows(recipe: Recipe, stage: Stage, data_dir: Path) -> Rows:
    """Training rows of the recipe's tasks and questions, and of the stage's corpora.

    Raises:
        UsageError: If a file is missing or a row does not fit its task.
    """
    rows = Rows.load(list(recipe.tasks), "train", data_dir)
    rows = rows.with_questions(load_questions(recipe, data_dir))
    for corpus in stage.unlabeled:
        count, seed = stage.unlabeled_passages, recipe.seed
        rows = rows.with_passages(corpus, load_passages(corpus, data_dir, count, seed))
    return rows


def load_soft_labels(recipe: Recipe, stage: Stage, rows: Rows) -> SoftLabels | None:
    """What the stage's answers are drawn from beside the labels, if it names a file.

    Raises:
        DataError: If the file is missing or damaged, or of other rows.
    """
    if stage.soft_labels is None:
        return None
    texts = {task: [rows.texts[row] for row in rows.spans[task]] for task in recipe.tasks}
    return SoftLabels.load(stage.soft_labels, texts)


def load_held_out_rows(recipe: Recipe, stage: Stage, data_dir: Path) -> Rows:
    """Validation rows: as many of each task and kind of question as the stage looks at.

    Raises:
        UsageError: If a file is missing or a row does not fit its task.
    """
    limit = stage.validation.rows
    rows = Rows.load(list(recipe.tasks), "validation", data_dir, limit)
    return rows.with_questions(load_held_out_questions(recipe, data_dir, limit))


def open_inputs(
    encoder: Encoder,
    frozen: FrozenModel | None,
    rows: Rows,
    cache_dir: Path | None,
    accelerator: Accelerator,
) -> EncoderInputs:
    """What an encoder reads of rows: bytes, or the frozen sender's states.

    Args:
        encoder: Whose inputs are wanted.
        frozen: Its sender; None for bytes.
        rows: Whose texts are read.
        cache_dir: Where the states are kept, and looked for; None: they are computed every time.
        accelerator: Who shows the progress.

    Raises:
        DiskFullError: If there is no room for the cache.
    """
    if isinstance(encoder, ByteEncoder):
        return ByteInputs(encoder, rows.texts)
    assert frozen is not None
    if cache_dir is None:
        return StateInputs(frozen, encoder.config.layer, rows.texts)
    # One cache for the tasks and one for each further source: they are used again one by one.
    caches = []
    for span in rows.blocks():
        texts = rows.texts[span.start : span.stop]
        with Progress(
            console=Console(stderr=True), transient=True, disable=not accelerator.is_main_process
        ) as progress:
            bar = progress.add_task(f"caching states of {frozen.name}", total=len(texts))
            cache = FeatureCache.open(
                cache_dir,
                frozen,
                encoder.config.layer,
                texts,
                lambda done, _, progress=progress, bar=bar: progress.update(  # type: ignore[misc]
                    bar, completed=done
                ),
            )
        caches.append(cache)
    return JoinedCaches(caches)


def fit_normalizer(encoder: Encoder, inputs: EncoderInputs, seed: int) -> None:
    """Set an encoder's statistics of the sender from what it reads; bytes have none."""
    if isinstance(encoder, ByteEncoder):
        return
    assert isinstance(inputs, JoinedCaches | StateInputs)
    states = inputs.sample(_STATES_MEASURED, seed).to(encoder.normalizer.mean.device)
    if isinstance(encoder.normalizer, Whitening) and states.ndim == 2:
        states = states[:, None]  # [N, 1, d]: a single layer
    encoder.normalizer.fit(states)

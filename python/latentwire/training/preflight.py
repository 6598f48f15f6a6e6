"""What can be known to be wrong before the first stage starts, for all stages at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from latentwire.catalog import BYTES, locate_model
from latentwire.checkpoint import locate_part
from latentwire.errors import RecipeError, UsageError
from latentwire.space import MANIFEST
from latentwire.tasks.asked import QUESTION_SETS, PassageQuestions
from latentwire.training.parts import encoder_folder
from latentwire.training.passages import CORPORA
from latentwire.training.recipe import Recipe, Stage


def check_stages(recipe: Recipe, stages: Sequence[Stage], run_dir: Path, data_dir: Path) -> None:
    """Refuse stages that cannot all be trained, one after another, in this run folder.

    Raises:
        ModelNotFoundError: If a model or a teacher's encoder is nowhere to be found.
        RecipeError: If a stage joins a space that no stage before it founds.
        UsageError: If the file of a corpus or of a kind of question is missing.
    """
    for kind in recipe.questions:
        questions = QUESTION_SETS[kind]
        if isinstance(questions, PassageQuestions):
            questions.locate("train", data_dir)
    for corpus in recipe.question_passages:
        _check_corpus(corpus, data_dir)
    for name in recipe.receivers:
        locate_model(name)
    is_founded = (run_dir / MANIFEST).is_file()
    encoders: set[str] = set()
    for stage in stages:
        if stage.sender != BYTES:
            locate_model(stage.sender)
        is_founded = is_founded or "adapters" in stage.train
        if not is_founded:
            raise RecipeError(
                f"stage {stage.name!r} joins a latent space, and {run_dir} has none",
                hint="train the stage first that has adapters in its list 'train'",
            )
        teacher = stage.teacher
        if teacher is not None and stage.needs_teacher and teacher not in encoders:
            own = run_dir / encoder_folder(teacher)
            if not own.is_dir():
                locate_part("encoder", teacher)
        for corpus in stage.unlabeled:
            _check_corpus(corpus, data_dir)
        encoders.add(stage.sender)


def _check_corpus(corpus: str, data_dir: Path) -> None:
    path = data_dir / CORPORA[corpus]
    if not path.is_file():
        raise UsageError(f"corpus file {path} does not exist")

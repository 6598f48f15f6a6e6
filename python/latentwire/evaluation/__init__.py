"""Figures on whole test splits, each beside its controls. Needs ``latentwire[eval]``."""

from latentwire.evaluation.figures import FIGURES
from latentwire.evaluation.run import run_evaluation

__all__ = ["FIGURES", "run_evaluation"]

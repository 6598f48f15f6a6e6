"""Figures on whole test splits, each beside its controls. Needs ``latentwire[eval]``."""

from latentwire.evaluation.run import FIGURES, run_evaluation

__all__ = ["FIGURES", "run_evaluation"]

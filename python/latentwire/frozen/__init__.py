"""Frozen models: text to hidden states, soft prefix to label scores and generated text.

All that latentwire knows about Hugging Face models is in this folder.
"""

from latentwire.frozen.generation import generate
from latentwire.frozen.model import FrozenModel
from latentwire.frozen.scoring import ChoiceTree, score_choices

__all__ = ["ChoiceTree", "FrozenModel", "generate", "score_choices"]

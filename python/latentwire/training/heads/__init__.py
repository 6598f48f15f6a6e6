"""Training-only heads: what reads messages for an objective, and is not published with a part.

They are trained with the encoder and kept in the states that a run resumes from. What they ask of
the latents stays in the encoder; they themselves are of no use afterwards.
"""

from latentwire.training.heads.build import build_heads
from latentwire.training.heads.state_decoder import StateDecoder
from latentwire.training.heads.word_head import WordHead

__all__ = ["StateDecoder", "WordHead", "build_heads"]

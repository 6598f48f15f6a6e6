"""What training minimizes: one function a file, named as recipes name it."""

from latentwire.training.objectives.answer_generation import answer_generation
from latentwire.training.objectives.bag_of_words import bag_of_words
from latentwire.training.objectives.choice_likelihood import choice_likelihood
from latentwire.training.objectives.contrastive import contrastive
from latentwire.training.objectives.diversity import diversity
from latentwire.training.objectives.first_token_likelihood import first_token_likelihood
from latentwire.training.objectives.label_likelihood import label_likelihood
from latentwire.training.objectives.latent_distillation import latent_distillation
from latentwire.training.objectives.manifold_anchoring import manifold_anchoring
from latentwire.training.objectives.message_distillation import message_distillation
from latentwire.training.objectives.norm_matching import norm_matching
from latentwire.training.objectives.reconstruction import reconstruction
from latentwire.training.objectives.segment_alignment import segment_alignment
from latentwire.training.objectives.text_distillation import text_distillation

__all__ = [
    "answer_generation",
    "bag_of_words",
    "choice_likelihood",
    "contrastive",
    "diversity",
    "first_token_likelihood",
    "label_likelihood",
    "latent_distillation",
    "manifold_anchoring",
    "message_distillation",
    "norm_matching",
    "reconstruction",
    "segment_alignment",
    "text_distillation",
]

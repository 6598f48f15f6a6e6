"""Word head: which tokens of a vocabulary a message speaks of."""

from __future__ import annotations

from torch import Tensor, nn


class WordHead(nn.Module):
    """Two-layer perceptron on the mean of the latents.

    Args:
        latent_width: d_z.
        vocabulary: V, how many tokens there are.
    """

    def __init__(self, latent_width: int, vocabulary: int) -> None:
        super().__init__()
        self.expand = nn.Linear(latent_width, latent_width)
        self.words = nn.Linear(latent_width, vocabulary)

    def forward(self, latents: Tensor) -> Tensor:
        """Latents [B, k, d_z] -> logits of the vocabulary [B, V], in no order of the text."""
        logits: Tensor = self.words(nn.functional.gelu(self.expand(latents.mean(1))))
        return logits

"""What a projector's run will do, without doing it."""

from __future__ import annotations

from typing import Any

import torch

from latentwire.models.size import num_parameters
from latentwire.training.compute import load_frozen
from latentwire.training.projection.recipe import ProjectorRecipe
from latentwire.training.projection.trainer import build_projector

_TEXTS = ["a film of two hours", "how do i change my card"]


def plan_projector(recipe: ProjectorRecipe) -> dict[str, Any]:
    """Models, shapes and parameters; both models are loaded, no data are.

    Raises:
        ModelNotFoundError: If a model is nowhere to be found.
        UsageError: If one has no keys and values.
    """
    device = torch.device("cpu")
    sender, receiver = (
        load_frozen(name, recipe.engine, device) for name in (recipe.sender, recipe.receiver)
    )
    projector = build_projector(recipe, sender, receiver, _TEXTS)
    config = projector.config
    return {
        "stage": recipe.name,
        "sender": recipe.sender,
        "receivers": [recipe.receiver],
        "trains": ["projector"],
        "steps": recipe.steps,
        "minutes": recipe.minutes,
        "rows a step": recipe.batch_size,
        "shares": recipe.tasks,
        "optimizer": recipe.optimizer,
        "learning rate": recipe.learning_rate,
        "parameters": num_parameters(projector),
        "numbers an entry": {
            "sender": 2 * config.sender_layers * config.sender_heads * config.sender_head_dim,
            "receiver": 2 * config.num_layers * config.num_heads * config.head_dim,
        },
    }

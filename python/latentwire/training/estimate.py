"""What a stage takes at published size: parameters, memory, time. Estimates, not measurements."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, AutoModelForCausalLM, PretrainedConfig

from latentwire.catalog import BYTES
from latentwire.frozen import FrozenModel
from latentwire.models.size import num_parameters
from latentwire.training.building import Size, build_adapter, build_encoder
from latentwire.training.geometry import PUBLISHED
from latentwire.training.heads import build_heads
from latentwire.training.recipe import Recipe, Stage
from latentwire.training.recipe_sections import LoraRecipe

TOKENS_A_TEXT = 64
TOKENS_A_PROMPT = 24  # question and answer
TOKENS_AN_ANSWER = 4
_GIB = 1024**3
_BYTES = {"float32": 4, "bfloat16": 2}

# An H100 SXM: dense bfloat16 and memory (https://www.nvidia.com/en-us/data-center/h100/), and the
# shares of both that training code usually reaches.
PEAK_FLOPS, REACHED_FLOPS = 989e12, 0.4
PEAK_BANDWIDTH, REACHED_BANDWIDTH = 3.35e12, 0.6
# What one layer of a receiver takes a pass, however few its rows, since its kernels are launched
# one after the other: 84 and 85 ms for two passes of 28 and 32 layers, with the rest of the step
# (benchmarks/results/geometry.md).
LAUNCHING_A_LAYER = 1.4e-3


def count_parameters(recipe: Recipe, stage: Stage) -> dict[str, int]:
    """Parameters at published size, counted on the meta device: no memory is taken."""
    counts: dict[str, int] = {}
    names = dict.fromkeys([stage.sender, *recipe.receivers_of(stage)])
    configs = {name: model_config(name) for name in names if name != BYTES}
    with torch.device("meta"):
        for name, config in configs.items():
            is_causal = name in PUBLISHED or "CausalLM" in str(config.architectures)
            family: Any = AutoModelForCausalLM if is_causal else AutoModel
            model = family.from_config(config)
            counts[f"frozen {name}"] = num_parameters(model)
            if recipe.adapter.lora is not None and name in recipe.receivers_of(stage):
                counts[f"LoRA of {name}"] = _count_lora(recipe.adapter.lora, model)
        sizes = {name: Size.of(config) for name, config in configs.items()}
        counts["encoder"] = num_parameters(
            build_encoder(recipe.space, stage, sizes.get(stage.sender))
        )
        heads = build_heads(stage, recipe.space.latent_width, sizes.get(stage.sender))
        counts |= {f"head for {name}": num_parameters(head) for name, head in heads.items()}
        for name in recipe.receivers_of(stage):
            counts[f"adapter {name}"] = num_parameters(
                build_adapter(recipe.adapter, recipe.space, sizes[name])
            )
    return counts


def estimate_memory(recipe: Recipe, stage: Stage, num_processes: int) -> dict[str, float]:
    """GiB that one process takes, by what it holds.

    Trained weights take 16 bytes each: weight, gradient and two optimizer states in float32.
    Activations that are kept for the backward pass take about 34 bytes per token, layer and unit of
    width with fused attention (https://arxiv.org/abs/2205.05198); with gradient checkpointing, 2
    bytes for each layer's input and the 34 for one layer. The sender leaves the device once its
    states are cached.
    """
    counts, engine = count_parameters(recipe, stage), recipe.engine
    width = _BYTES[engine.frozen_dtype]
    rows = math.ceil(stage.batch_size / (num_processes * engine.accumulation))
    tokens = rows * (recipe.adapter.tokens_of(recipe.space.num_latents) + TOKENS_A_PROMPT)
    pieces = num_processes if engine.strategy == "fsdp" else 1
    activations = logits = 0.0
    for name in recipe.receivers_of(stage):
        config = model_config(name)
        unit, layers = tokens * int(config.hidden_size), int(config.num_hidden_layers)
        kept = unit * (2 * layers + 34) if engine.gradient_checkpointing else unit * 34 * layers
        activations = max(activations, kept)
        # Logits, their normalized copy and their gradient, in float32.
        logits = max(logits, rows * TOKENS_AN_ANSWER * int(config.vocab_size) * 12)
    receivers = 0.0
    for name in recipe.receivers_of(stage):
        whole = counts[f"frozen {name}"]
        layers_alone = whole - _outside_layers(model_config(name))
        receivers += whole - layers_alone + layers_alone / pieces
    trained = sum(count for name, count in counts.items() if not name.startswith("frozen"))
    training = {
        "frozen receivers": width * receivers,
        "trained weights, gradients, optimizer": 16 * trained,
        "activations": activations,
        "logits": logits,
    }
    sender = width * counts.get(f"frozen {stage.sender}", 0)
    peak = max(sum(training.values()), training["frozen receivers"] + sender)
    found = {**training, "frozen sender, while its states are cached": sender, "peak": peak}
    return {name: round(size / _GIB, 3) for name, size in found.items()}


def estimate_time(recipe: Recipe, stage: Stage, num_processes: int) -> dict[str, float]:
    """Hours on H100 GPUs, as far as receivers go.

    A step takes the longest of its arithmetic, of reading the receiver's weights and of launching
    its kernels: 4 operations per parameter and token (forward, and backward to the activations
    alone; 6 with gradient checkpointing), one reading of the weights a pass, and a measured time a
    layer and pass. The sender takes 2 operations per parameter and token, once a text.
    """
    counts, engine = count_parameters(recipe, stage), recipe.engine
    largest = max(counts[f"frozen {name}"] for name in recipe.receivers_of(stage))
    rows = stage.batch_size / num_processes
    tokens = rows * (recipe.adapter.tokens_of(recipe.space.num_latents) + TOKENS_A_PROMPT)
    passes = 3 if engine.gradient_checkpointing else 2
    arithmetic = 2 * passes * largest * tokens / (PEAK_FLOPS * REACHED_FLOPS)
    weights = _BYTES[engine.frozen_dtype] * largest * passes * engine.accumulation
    layers = max(
        int(model_config(name).get_text_config().num_hidden_layers)
        for name in recipe.receivers_of(stage)
    )
    launching = LAUNCHING_A_LAYER * layers * passes * engine.accumulation
    reading = weights / (PEAK_BANDWIDTH * REACHED_BANDWIDTH)
    seconds = max(arithmetic, reading, launching)
    sender = 2 * counts.get(f"frozen {stage.sender}", 0) * TOKENS_A_TEXT * 100_000
    return {
        "seconds a step": round(seconds, 4),
        "GPU hours": round(seconds * stage.steps * num_processes / 3600, 3),
        "GPU hours for 100,000 texts of the sender": round(
            sender / (PEAK_FLOPS * REACHED_FLOPS) / 3600, 3
        ),
    }


def model_config(name: str) -> PretrainedConfig:
    """Published geometry of a model, or that of a model at hand.

    Raises:
        ModelNotFoundError: If it is neither.
    """
    if name in PUBLISHED:
        return PUBLISHED[name]
    frozen = FrozenModel.load(name)
    config: PretrainedConfig = frozen.model.config
    return config


def _outside_layers(config: PretrainedConfig) -> int:
    """Parameters of the token embeddings and of the head, which every process holds whole."""
    text: Any = config.get_text_config()
    return int(text.vocab_size) * int(text.hidden_size) * (1 if text.tie_word_embeddings else 2)


def _count_lora(lora: LoraRecipe, model: nn.Module) -> int:
    return sum(
        lora.rank * (module.in_features + module.out_features)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name.rpartition(".")[2] in lora.targets
    )

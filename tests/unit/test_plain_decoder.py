"""Blocks that are run one after another say what the library's own pass says, bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from latentwire.frozen import FrozenModel, early_exit, forward
from latentwire.frozen.early_exit import read_layers
from latentwire.frozen.plain_decoder import is_plain
from transformers import AutoModelForCausalLM, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

SIZE = {
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
CONFIGS = {
    "llama": LlamaConfig(**SIZE),
    "mistral": MistralConfig(**SIZE, sliding_window=None),
    "mistral, window": MistralConfig(**SIZE, sliding_window=4),
    "qwen2": Qwen2Config(**SIZE),
    "qwen2, window": Qwen2Config(
        **SIZE, use_sliding_window=True, sliding_window=4, max_window_layers=1
    ),
    "qwen3": Qwen3Config(**SIZE),
}


def backbone(name: str, attention: str = "sdpa") -> Any:
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(CONFIGS[name], attn_implementation=attention)
    return model.eval().model


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("length", [3, 11])
def test_states_are_those_of_the_library(name: str, length: int, attention: str) -> None:
    model = backbone(name, attention)
    ids = torch.randint(50, (2, length))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "use_cache": False}
    with torch.inference_mode():
        wanted = model(**inputs, output_hidden_states=True).hidden_states
        found = read_layers(model, 3, [0, 2, 3], inputs, is_padded=False)
    for number, states in zip([0, 2, 3], found, strict=True):
        assert torch.equal(states, wanted[number])


@pytest.mark.parametrize("name", CONFIGS)
def test_a_pass_with_its_own_mask_is_that_of_the_library(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = FrozenModel(name, backbone(name), None, is_causal=True)
    embeddings = torch.randn(2, 9, 32)
    visible = torch.ones(9, 9, dtype=torch.bool).tril_()[None]
    visible[:, 7, 6] = False  # two branches of a tree
    positions = torch.tensor([[0, 1, 2, 3, 4, 5, 6, 6, 7]])
    with torch.inference_mode():
        found = forward.forward(frozen, embeddings, visible=visible, positions=positions)
        monkeypatch.setattr(forward, "is_plain", lambda _backbone: False)
        wanted = forward.forward(frozen, embeddings, visible=visible, positions=positions)
    assert torch.equal(found, wanted)


def test_only_a_pass_that_nobody_watches_is_replaced() -> None:
    with torch.inference_mode():
        assert is_plain(backbone("qwen2"))
        watched = backbone("qwen2")
        watched.register_forward_hook(lambda *_: None)
        assert not is_plain(watched)
        replaced = backbone("qwen2")
        replaced.forward = lambda **_: None  # as several devices are served
        assert not is_plain(replaced)
        assert not is_plain(torch.nn.Linear(1, 1))
    assert not is_plain(backbone("qwen2"))  # gradients may be wanted


def test_padded_rows_go_through_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    model, calls = backbone("llama"), []
    monkeypatch.setattr(early_exit, "run_blocks", lambda *_: calls.append(1) or {1: torch.zeros(1)})
    ids = torch.randint(50, (2, 5))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "use_cache": False}
    with torch.inference_mode():
        read_layers(model, 3, [1], inputs, is_padded=True)
        assert not calls
        read_layers(model, 3, [1], inputs, is_padded=False)
    assert calls == [1]

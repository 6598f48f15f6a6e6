"""Published geometry of models that recipes name, so that a recipe is checked without a download.

Figures are those of the ``config.json`` that each model is published with.
"""

from __future__ import annotations

from transformers import LlamaConfig, MistralConfig, PretrainedConfig, Qwen2Config

PUBLISHED: dict[str, PretrainedConfig] = {
    "meta-llama/Llama-3.1-8B": LlamaConfig(
        hidden_size=4096,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        intermediate_size=14336,
        vocab_size=128256,
        max_position_embeddings=131072,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 500_000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
        tie_word_embeddings=False,
    ),
    "Qwen/Qwen2.5-7B": Qwen2Config(
        hidden_size=3584,
        num_hidden_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        intermediate_size=18944,
        vocab_size=152064,
        max_position_embeddings=131072,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        tie_word_embeddings=False,
    ),
    "mistralai/Mistral-7B-v0.3": MistralConfig(
        hidden_size=4096,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        intermediate_size=14336,
        vocab_size=32768,
        max_position_embeddings=32768,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        sliding_window=None,
        tie_word_embeddings=False,
    ),
}

_WIDTH_DIVISOR = 16
_MAX_LAYERS = 4


def scaled_down(config: PretrainedConfig, vocab_size: int) -> PretrainedConfig:
    """The same family and proportions, a sixteenth as wide and at most four layers deep.

    Head counts keep their grouping, so that grouped-query attention is exercised as published.
    """
    small = type(config)(**config.to_dict())
    ratio = config.num_attention_heads // config.num_key_value_heads
    small.hidden_size = config.hidden_size // _WIDTH_DIVISOR
    small.intermediate_size = config.intermediate_size // _WIDTH_DIVISOR
    small.num_key_value_heads = 1
    small.num_attention_heads = ratio
    small.head_dim = small.hidden_size // ratio
    small.num_hidden_layers = min(_MAX_LAYERS, config.num_hidden_layers)
    small.vocab_size = vocab_size
    small.bos_token_id = small.eos_token_id = small.pad_token_id = None
    if getattr(small, "layer_types", None):
        small.layer_types = small.layer_types[: small.num_hidden_layers]
    return small

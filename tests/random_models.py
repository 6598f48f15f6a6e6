"""Small models with random weights, and random parts for them, saved as real ones are.

They are not trained, so their answers mean nothing; everything else about them is as it is with
trained ones: families, tokenizers, files, code paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from latentwire.checkpoint import Part
from latentwire.frozen import FrozenModel
from latentwire.models import (
    Adapter,
    AdapterConfig,
    ByteEncoder,
    ByteEncoderConfig,
    HiddenStateEncoder,
    HiddenStateEncoderConfig,
)
from latentwire.space import LatentSpace
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    LlamaConfig,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
)

NUM_LATENTS, LATENT_WIDTH = 6, 32
SPACE = LatentSpace(
    name="random-v1", num_latents=NUM_LATENTS, latent_width=LATENT_WIDTH, lineage="tests"
)


@dataclass(frozen=True)
class RandomModel:
    """Folders of a model and of the parts that were made for it."""

    model: str
    encoder: str
    adapter: str


def build_random_model(folder: Path, family: str, texts: list[str], seed: int) -> RandomModel:
    """Save a random model of a family with a tokenizer of its own, an encoder and an adapter."""
    torch.manual_seed(seed)
    tokenizer = _tokenizer(family, texts)
    model = AutoModelForCausalLM.from_config(_config(family, tokenizer), attn_implementation="sdpa")
    # Larger than usual, so that answers differ from one another.
    for parameter in model.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.15)
    name = str(folder / f"random-{family}")
    model.save_pretrained(name)
    tokenizer.save_pretrained(name)
    frozen = FrozenModel.load(name)
    digest = frozen.weights_digest.hex()
    encoder = HiddenStateEncoder(
        HiddenStateEncoderConfig(
            hidden_size=frozen.hidden_size,
            layer=1,
            num_latents=NUM_LATENTS,
            latent_width=LATENT_WIDTH,
            num_heads=4,
            depth=1,
        )
    )
    adapter = Adapter(
        AdapterConfig(hidden_size=frozen.hidden_size, latent_width=LATENT_WIDTH, inner_width=48)
    )
    adapter.colorizer.fit(*frozen.embedding_statistics())
    Part("encoder", encoder, name, digest, SPACE).save(folder / "encoder")
    Part("adapter", adapter, name, digest, SPACE).save(folder / "adapter")
    return RandomModel(name, str(folder / "encoder"), str(folder / "adapter"))


def build_random_byte_encoder(folder: Path, seed: int) -> str:
    """Save a random byte encoder of the same space."""
    torch.manual_seed(seed)
    encoder = ByteEncoder(
        ByteEncoderConfig(
            width=LATENT_WIDTH,
            num_layers=2,
            num_heads=4,
            num_latents=NUM_LATENTS,
            byte_width=8,
            buckets=64,
            max_bytes=512,
        )
    )
    Part("encoder", encoder, "bytes", "", SPACE).save(folder)
    return str(folder)


def _tokenizer(family: str, texts: list[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE of 400 or 600 tokens; digits alone; begin and end tokens of the family."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=family == "llama")
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>"] if family == "llama" else ["<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=400 if family == "llama" else 600,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=special[0], eos_token=special[1], pad_token=special[1]
    )


def _config(family: str, tokenizer: PreTrainedTokenizerFast) -> PretrainedConfig:
    shared = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "max_position_embeddings": 256,
        "tie_word_embeddings": True,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    if family == "llama":
        return LlamaConfig(hidden_size=48, intermediate_size=96, **shared)
    return Qwen2Config(hidden_size=32, intermediate_size=64, **shared)


_ATTENTION = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
_GEOMETRY = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
FAMILIES: dict[str, dict[str, object]] = {
    "llama": {**_GEOMETRY, **_ATTENTION},
    "qwen2": {**_GEOMETRY, **_ATTENTION},
    "qwen3": {**_GEOMETRY, **_ATTENTION},
    "mistral": {**_GEOMETRY, **_ATTENTION, "sliding_window": 24},
    "cohere": {**_GEOMETRY, "num_attention_heads": 4, "num_key_value_heads": 2},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256},
    "bert": {**_GEOMETRY, "num_attention_heads": 4},
    "mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 8},
    "rwkv": {**_GEOMETRY, "attention_hidden_size": 32, "rescale_every": 1},
    "t5": {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4},
}
"""A tiny configuration of each family, as its ``model_type`` names them."""


def random_frozen(
    family: str, seed: int = 0, scale: float = 0.15, **changes: object
) -> FrozenModel:
    """A random model of a family with a tokenizer of bytes, in memory.

    It never writes the end token: that one's embedding is zero, and so is its logit.
    """
    torch.manual_seed(seed)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(["<s>", "</s>", *alphabet])}
    tokens = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    begin = None if family.startswith("qwen") else "<s>"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokens, bos_token=begin, eos_token="</s>", pad_token="</s>"
    )
    config = AutoConfig.for_model(
        family,
        vocab_size=len(vocabulary),
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
        **{
            "max_position_embeddings": 256,
            "tie_word_embeddings": True,
            **FAMILIES[family],
            **changes,
        },
    )
    is_causal = family not in ("bert", "t5")
    model = (AutoModelForCausalLM if is_causal else AutoModel).from_config(config)
    for parameter in model.parameters():
        if parameter.ndim == 2:  # larger than usual, so that everything matters
            torch.nn.init.normal_(parameter, std=scale)
    model.get_input_embeddings().weight.data[1] = 0
    return FrozenModel(f"random-{family}", model, tokenizer, is_causal=is_causal)


def small_encoder(frozen: FrozenModel, texts: list[str], latent_width: int) -> HiddenStateEncoder:
    """An encoder of layer 1 to four latents, with fresh weights; its statistics are of texts."""
    encoder = HiddenStateEncoder(
        HiddenStateEncoderConfig(
            hidden_size=frozen.hidden_size,
            layer=1,
            num_latents=4,
            latent_width=latent_width,
            num_heads=4,
            depth=1,
        )
    )
    states, mask = frozen.hidden_states(texts, 1)
    encoder.normalizer.fit(states[mask])
    return encoder

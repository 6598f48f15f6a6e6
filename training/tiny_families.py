"""The two tiny model families: each has a tokenizer and a geometry of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, PretrainedConfig, PreTrainedTokenizerFast, Qwen2Config

_QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def build_tokenizer(name: str, corpus: Iterator[str]) -> PreTrainedTokenizerFast:
    """Train the byte-pair tokenizer of one of the two families; digits are single tokens."""
    if name == "tiny-llama":  # SentencePiece style: metaspace with byte fallback
        tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))  # noqa: S106
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Metaspace(prepend_scheme="always", split=True),
                pre_tokenizers.Split(Regex(r"\p{N}|\n"), "isolated"),
            ]
        )
        tokenizer.decoder = decoders.Sequence(
            [
                decoders.Replace("\u2581", " "),
                decoders.ByteFallback(),
                decoders.Fuse(),
                decoders.Strip(" ", 1, 0),
            ]
        )
        special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
        vocab, bos, eos, extra = 4096, "<s>", "</s>", {"unk_token": "<unk>"}
        alphabet: list[str] = []
    else:  # byte level with the Qwen2 pattern
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_QWEN_PATTERN), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        tokenizer.decoder = decoders.ByteLevel()
        special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
        vocab, bos, eos, extra = 8192, "<|im_start|>", "<|im_end|>", {}
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=special,
        initial_alphabet=alphabet,
        limit_alphabet=400,
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos,
        eos_token=eos,
        pad_token=eos,
        clean_up_tokenization_spaces=False,
        **extra,
    )


@dataclass(frozen=True)
class Family:
    """Geometry of a model and whose tokenizer it has."""

    tokenizer: str
    config: type[PretrainedConfig]
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    intermediate_size: int
    rope_theta: float


# Other widths, depths, head counts and rotary bases in each.
FAMILIES = {
    "tiny-llama": Family("tiny-llama", LlamaConfig, 192, 6, 6, 2, 512, 500_000.0),
    "tiny-qwen": Family("tiny-qwen", Qwen2Config, 224, 4, 7, 1, 608, 1_000_000.0),
    "small-llama": Family("tiny-llama", LlamaConfig, 384, 8, 8, 2, 1024, 500_000.0),
    "small-qwen": Family("tiny-qwen", Qwen2Config, 384, 7, 6, 1, 1088, 1_000_000.0),
}


def build_config(name: str, tokenizer: PreTrainedTokenizerFast) -> PretrainedConfig:
    """The geometry of a family, for a tokenizer."""
    family = FAMILIES[name]
    return family.config(
        hidden_size=family.hidden_size,
        num_hidden_layers=family.num_hidden_layers,
        num_attention_heads=family.num_attention_heads,
        num_key_value_heads=family.num_key_value_heads,
        intermediate_size=family.intermediate_size,
        rope_parameters={"rope_type": "default", "rope_theta": family.rope_theta},
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
    )

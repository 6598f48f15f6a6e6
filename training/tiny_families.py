"""The two tiny model families: each has a tokenizer and a geometry of its own."""

from __future__ import annotations

from collections.abc import Iterator

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


def build_config(name: str, tokenizer: PreTrainedTokenizerFast) -> PretrainedConfig:
    """Geometry of the two families: other widths, depths, head counts and rotary bases."""
    shared = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
    }
    if name == "tiny-llama":
        return LlamaConfig(
            hidden_size=192,
            num_hidden_layers=6,
            num_attention_heads=6,
            num_key_value_heads=2,
            intermediate_size=512,
            rope_parameters={"rope_type": "default", "rope_theta": 500_000.0},
            **shared,
        )
    return Qwen2Config(
        hidden_size=224,
        num_hidden_layers=4,
        num_attention_heads=7,
        num_key_value_heads=1,
        intermediate_size=608,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
        **shared,
    )

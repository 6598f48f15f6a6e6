"""One frozen Hugging Face model and its tokenizer: loading, hidden states, embeddings, digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerFast,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES as COMPARES_IMAGES,
)

from latentwire.catalog import available_models, locate_model
from latentwire.errors import (
    CheckpointError,
    ModelNotFoundError,
    TextTooLongError,
    UsageError,
)
from latentwire.frozen.early_exit import read_layers
from latentwire.frozen.key_values import KeyValues
from latentwire.frozen.template import begin_ids
from latentwire.storage import is_quantized_file, load_weights
from latentwire.transfer import to_device

WEIGHTS = "model.safetensors"
_KEPT_TEXTS = 32
_FEW_ROWS = 8
"""For up to as many rows the head's weights are the left factor: they are read once, in order.

As the right factor the library copies them first, which takes twice as long when they are not in
the processor's caches; a head seldom is.
"""


class FrozenModel:
    """A model whose weights never change here.

    Attributes:
        name: The name that it was asked for by.
        model: The ``PreTrainedModel``: in evaluation mode, no parameter requires a gradient.
        config: Its configuration; of several modalities that of the text.
        tokenizer: Its own fast tokenizer.
        hidden_size: Width d of its hidden states and input embeddings.
        num_layers: Number of layers; hidden state 0 is the embedding, ``num_layers`` the last.
        is_causal: Whether it predicts the next token.
    """

    def __init__(self, name: str, model: Any, tokenizer: Any, *, is_causal: bool) -> None:
        self.name = name
        self.model: Any = model.eval().requires_grad_(False)
        self.config: Any = self.model.config.get_text_config()
        if hasattr(self.config, "rescale_every"):  # RWKV halves its own weights at the first pass
            self.config.rescale_every = 0
        self.tokenizer = tokenizer
        self._tokenized: tuple[list[str], list[list[int]]] = [], []
        self._parameter: Tensor = next(iter(self.model.parameters()))
        self.is_causal = is_causal
        self.hidden_size, self.num_layers = check_hidden_states(name, self.config)
        limit = getattr(self.config, "max_position_embeddings", None)
        self.max_tokens = int(limit) if limit else 1_000_000

    @classmethod
    def load(
        cls,
        name_or_path: str,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> FrozenModel:
        """Load by shipped name, folder or hub name; causal models keep their language-model head.

        Raises:
            ModelNotFoundError: If there is no such model.
            CheckpointError: If its weights are missing, damaged or not those of its configuration.
            UsageError: If its configuration tells of no hidden states of a text alone.
        """
        location = locate_model(name_or_path)
        config = load_config(name_or_path)
        try:
            tokenizer = _load_tokenizer(location)
        except (OSError, ValueError) as error:
            raise _not_loaded(name_or_path, error) from error
        is_causal = any(
            "CausalLM" in name or "LMHead" in name for name in config.architectures or ()
        )
        family: Any = AutoModelForCausalLM if is_causal else AutoModel
        options: dict[str, Any] = {"dtype": dtype}
        model = _load_model(location, family, config, options)
        if config.is_encoder_decoder:
            model = model.get_encoder()  # what reads; nothing is translated here
        return cls(name_or_path, model.to(device or "cpu"), tokenizer, is_causal=is_causal)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._parameter.device

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the weights."""
        return self._parameter.dtype

    @cached_property
    def begin(self) -> list[int]:
        """Ids that every sequence of this model starts with."""
        return begin_ids(self.tokenizer)

    @property
    def text_room(self) -> int:
        """Tokens of a text that fit beside the special tokens of ``hidden_states``."""
        if self.is_causal:
            return self.max_tokens - len(self.begin)
        special: int = self.tokenizer.backend_tokenizer.num_special_tokens_to_add(is_pair=False)
        return self.max_tokens - special

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text without special tokens."""
        # What was tokenized last is kept if it is little: a text is measured first, then read. One
        # attribute, read and written at once, so that threads may share the model.
        texts = list(texts)
        known, rows = self._tokenized
        if known != texts:
            encodings = self.tokenizer.backend_tokenizer.encode_batch(
                texts, add_special_tokens=False
            )
            rows = [encoding.ids for encoding in encodings]
            if len(texts) <= _KEPT_TEXTS:
                self._tokenized = texts, rows
        return [list(row) for row in rows]

    def check_fits(self, texts: Sequence[str], reserved: int = 0) -> None:
        """Refuse what would be cut: a part of a text must not pass for the whole.

        Args:
            texts: Texts to read.
            reserved: Tokens that the rest of the prompt takes.

        Raises:
            TextTooLongError: If a text has more tokens than fit.
        """
        room = self.text_room - reserved
        for ids in self.tokenize(texts):
            if len(ids) > room:
                raise TextTooLongError(
                    f"the text has {len(ids):,} tokens, {self.name!r} reads at most {room:,}",
                    hint="send it in parts, each as a message of its own",
                )

    def pad(self, rows: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
        """Right-pad rows of ids: ids int64 [B, T] and mask bool [B, T]."""
        pad_id = self.tokenizer.pad_token_id
        pad_id = int(self.tokenizer.eos_token_id if pad_id is None else pad_id)
        ids = right_padded(rows, pad_id)
        lengths = torch.tensor([len(row) for row in rows])
        mask = torch.arange(ids.shape[1])[None, :] < lengths[:, None]
        return to_device(ids, self.device), to_device(mask, self.device)

    def ids_read(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids that ``hidden_states`` runs: special tokens and text, cut to what fits."""
        if self.is_causal:
            return [self._as_read(row, self.begin) for row in self.tokenize(texts)]
        # Encoders were trained with their special tokens around the text.
        encodings = self.tokenizer.backend_tokenizer.encode_batch(list(texts))
        return [self._as_read(encoding.ids) for encoding in encodings]

    def spans_read(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Which characters each of ``ids_read`` stands for, from one to before the other.

        Special tokens stand for none: (0, 0).
        """
        encodings = self.tokenizer.backend_tokenizer.encode_batch(
            list(texts), add_special_tokens=not self.is_causal
        )
        begin = [(0, 0)] * len(self.begin) if self.is_causal else []
        return [self._as_read(encoding.offsets, begin) for encoding in encodings]

    def _as_read(self, row: list[Any], begin: Sequence[Any] = ()) -> list[Any]:
        """What goes with each token of a text, as far as the model reads it.

        Args:
            row: Of the text's tokens; where the model is no causal one, of special tokens too.
            begin: Of the tokens that a causal model begins with.
        """
        if self.is_causal:
            return [*begin, *row[: self.text_room]]
        limit = self.max_tokens
        return row if len(row) <= limit else [*row[: limit - 1], row[-1]]  # and the closing one

    def hidden_states(
        self, texts: Sequence[str], layer: int | Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Hidden states of texts after ``layer`` layers, special tokens included.

        Texts longer than ``text_room`` are cut. States of other layers are not kept, and layers
        above are not run.

        Args:
            texts: What is read.
            layer: One layer, or several.

        Returns:
            States float32 [B, T, d], of several layers [B, T, n, d], and mask bool [B, T], False on
            padding.

        Raises:
            UsageError: If the model has no such layer.
        """
        return self.hidden_states_of(self.ids_read(texts), layer)

    @torch.inference_mode()
    def hidden_states_of(
        self, rows: Sequence[list[int]], layer: int | Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """As ``hidden_states``, of texts by the ids that ``ids_read`` gives."""
        layers = [layer] if isinstance(layer, int) else list(layer)
        for number in layers:
            if not 0 <= number <= self.num_layers:
                raise UsageError(f"{self.name} has layers 0 to {self.num_layers}, not {number}")
        if not layers:
            raise UsageError(f"which layers of {self.name} are to be read? None is named")
        ids, mask = self.pad(rows)
        inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": mask.long()}
        if self.is_causal:
            inputs["use_cache"] = False  # nothing is generated: a cache would only be built
        is_padded = len({*map(len, rows)}) > 1
        states = [
            found.float()
            for found in read_layers(
                self.backbone, self.num_layers, layers, inputs, is_padded=is_padded
            )
        ]
        return states[0] if isinstance(layer, int) else torch.stack(states, dim=2), mask

    @property
    def unadapted(self) -> FrozenModel:
        """The model itself; of one that is read through additions, the one without them."""
        return self

    @property
    def backbone(self) -> Any:
        """The model without its language-model head."""
        return self.model.base_model

    def logits(self, states: Tensor) -> Tensor:
        """Logits float32 [..., V] of last hidden states [..., d] of a causal model."""
        head = self.model.get_output_embeddings()
        rows = states.shape[:-1].numel()
        is_plain = type(head) is nn.Linear and head.bias is None
        if is_plain and 1 < rows <= _FEW_ROWS and states.device.type == "cpu":
            flat = states.reshape(rows, -1)
            logits: Tensor = torch.mm(head.weight, flat.T).T.reshape(*states.shape[:-1], -1)
        else:
            logits = head(states)
        return logits.float()

    @cached_property
    def key_values(self) -> KeyValues:
        """Its keys and values, for prefixes of that kind.

        Raises:
            UsageError: If this model cannot take such a prefix.
        """
        return KeyValues(self)

    @cached_property
    def begin_embeddings(self) -> Tensor:
        """Input embeddings of the begin tokens, [len(begin), d]."""
        # An ordinary tensor also within inference mode: it may stand in a training step.
        with torch.inference_mode(False), torch.no_grad():
            return self.embed(torch.tensor(self.begin, dtype=torch.long, device=self.device))

    @cached_property
    def begin_key_values(self) -> Tensor:
        """Keys and values of the begin tokens, float32 [L, 2, 1, H, len(begin), D]."""
        ids = torch.tensor([self.begin], dtype=torch.long, device=self.device)
        # They are kept, so they must not depend on who asks first: a step under autocast, or not.
        with torch.autocast(self.device.type, enabled=False):
            return self.key_values.read(ids, torch.ones_like(ids, dtype=torch.bool))

    def embed(self, ids: Tensor) -> Tensor:
        """Input embeddings of ids [...] -> [..., d]."""
        embeddings: Tensor = self.model.get_input_embeddings()(ids)
        return embeddings

    def embedding_statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation per dimension of the token embeddings, float32 [d] each."""
        weight = self.model.get_input_embeddings().weight.detach().float()
        return weight.mean(0), weight.std(0)

    @cached_property
    def weights_digest(self) -> bytes:
        """BLAKE2b-128 over every parameter and buffer by name: equal weights, equal digest."""
        return digest_tensors(self.model.state_dict())


def right_padded(rows: Sequence[Sequence[int] | NDArray[Any]], value: int = 0) -> Tensor:
    """Rows of ids as int64 [B, T] on the processor, the shorter ones filled up."""
    width = max(map(len, rows))
    padded = np.full((len(rows), width), value, dtype=np.int64)
    for filled, row in zip(padded, rows, strict=True):
        filled[: len(row)] = row
    return torch.from_numpy(padded)


def check_hidden_states(name: str, config: Any) -> tuple[int, int]:
    """Width and number of layers that a model's configuration tells of.

    Raises:
        UsageError: If it does not.
    """
    found = [getattr(config, key, None) for key in ("hidden_size", "num_hidden_layers")]
    if not all(isinstance(value, int) and value > 0 for value in found):
        raise UsageError(
            f"model {name!r} offers no hidden states: its configuration "
            f"({config.model_type or 'of no known type'}) has hidden_size {found[0]} and "
            f"num_hidden_layers {found[1]}",
            hint="use a language model or a text encoder",
        )
    return int(found[0]), int(found[1])  # type: ignore[arg-type]


def digest_tensors(tensors: dict[str, Tensor]) -> bytes:
    """BLAKE2b-128 of named tensors, independent of their order.

    Numbers are hashed as float32, which holds those of bfloat16 and float16 exactly: a model that
    was published in one of these has one digest, whatever it is loaded in.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        if value.is_floating_point() and value.itemsize < torch.float32.itemsize:
            value = value.float()
        digest.update(f"{name}:{value.dtype}:{tuple(value.shape)};".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.digest()


def load_config(name_or_path: str) -> Any:
    """Configuration of a model that can be loaded, without its weights.

    Raises:
        ModelNotFoundError: If there is no such model.
        UsageError: If its configuration tells of no hidden states of a text alone.
    """
    location = locate_model(name_or_path)
    try:
        config = AutoConfig.from_pretrained(location)
    except (OSError, ValueError) as error:
        raise _not_loaded(name_or_path, error) from error
    _check_reads_text(name_or_path, config)
    check_hidden_states(name_or_path, config.get_text_config())
    return config


def _not_loaded(name: str, error: Exception) -> ModelNotFoundError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else "unknown"
    return ModelNotFoundError(
        f"model {name!r} cannot be loaded: {reason}",
        hint=f"available here: {', '.join(available_models())}",
    )


def _check_reads_text(name: str, config: Any) -> None:
    """Refuse a model that compares texts with images: it runs on both or not at all.

    Its configuration has a text model's within, which tells of hidden states all the same.

    Raises:
        UsageError: If it is one.
    """
    if config.model_type in COMPARES_IMAGES:
        raise UsageError(
            f"model {name!r} offers no hidden states of a text alone: its configuration "
            f"({config.model_type}) is of a model that compares texts with images",
            hint="use a language model or a text encoder",
        )


def _load_model(location: str, family: Any, config: Any, options: dict[str, Any]) -> Any:
    """Build a model and fill in its weights, of our own storage or of anybody's.

    Raises:
        CheckpointError: If the weights are missing, damaged or not those of the configuration.
    """
    folder = Path(location)
    if folder.is_dir():
        _check_has_weights(folder)
    try:
        if (folder / WEIGHTS).is_file() and is_quantized_file(folder / WEIGHTS):
            weights = load_weights(folder / WEIGHTS)
            return _with_weights(family.from_config(config, **options), weights, location)
        model, found = family.from_pretrained(location, output_loading_info=True, **options)
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"model {location} cannot be loaded with its weights: {_reason(error)}",
            hint="write it again with save_pretrained, or download it again",
        ) from error
    _check_is_whole(location, found["missing_keys"])
    return model


def _check_is_whole(location: str, missing: Iterable[str]) -> None:
    """Refuse a model of which some weights are in no file: the library draws those at random.

    A pooler may be missing, as in what was trained to fill in masked words: nobody asks it.

    Raises:
        CheckpointError: If others are.
    """
    names = sorted(name for name in missing if "pooler" not in name.split("."))
    if names:
        raise CheckpointError(
            f"model {location} is not whole: {len(names)} of its weights are in no file, the first "
            f"is {names[0]!r}",
            hint="write it again with save_pretrained, or download all of its files",
        )


def _check_has_weights(folder: Path) -> None:
    """Refuse a model folder without weights in a format that is read here.

    Raises:
        CheckpointError: If there are none.
    """
    names = (WEIGHTS, f"{WEIGHTS}.index.json")
    if not any((folder / name).is_file() for name in names):
        raise CheckpointError(
            f"model folder {folder} has no weights: there is neither {' nor '.join(names)}",
            hint="write the model there with save_pretrained, or download all of its files",
        )


def _reason(error: Exception) -> str:
    """One line of why weights were not loaded."""
    text = str(error).strip()
    if "ignore_mismatched_sizes" in text:  # an option of the library's, which is not offered here
        return "their shapes are not those of its config.json"
    return f"{type(error).__name__}: {text.splitlines()[0] if text else 'no reason given'}"


def _with_weights(model: Any, weights: dict[str, Tensor], location: str) -> Any:
    """Fill a model that was built from its configuration; tied weights are named once."""
    parameters = dict(model.named_parameters())
    differing = sorted(parameters.keys() ^ weights.keys())
    if differing:
        raise CheckpointError(
            f"{Path(location) / WEIGHTS} does not fit the model's configuration: "
            f"{len(differing)} names differ, the first is {differing[0]!r}"
        )
    try:
        model.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise CheckpointError(
            f"{Path(location) / WEIGHTS} does not fit the model's configuration: "
            f"{str(error).splitlines()[-1].strip()}"
        ) from error
    return model


def _load_tokenizer(location: str) -> Any:
    """The model's fast tokenizer, whatever class its folder names.

    Padding and truncation that a tokenizer file brings along are switched off: both happen here,
    visibly.
    """
    tokenizer = AutoTokenizer.from_pretrained(location)
    if not tokenizer.is_fast:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(location)
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.backend_tokenizer.no_truncation()
    return tokenizer

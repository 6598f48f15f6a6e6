"""Weights and parts on disk: exact bounds, whole files, clear refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from latentwire.checkpoint import PART_JSON, PART_WEIGHTS, Part
from latentwire.errors import CheckpointError, UsageError
from latentwire.frozen import FrozenModel
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.storage import (
    GROUP,
    dequantize_matrix,
    is_quantized_file,
    load_weights,
    quantize_matrix,
    save_weights,
)
from random_models import RandomModel
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, CLIPConfig


def tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {
        "matrix": torch.randn(64, 96),
        "odd": torch.randn(64, 97),
        "small": torch.randn(4, 4),
        "vector": torch.randn(33),
        "count": torch.arange(5),
    }


@pytest.mark.parametrize(("bits", "levels"), [(8, 127), (4, 7)])
def test_matrices_come_back_within_half_a_step(bits: int, levels: int, tmp_path: Path) -> None:
    given = tensors()
    save_weights(given, tmp_path / "w.safetensors", bits=bits)  # type: ignore[arg-type]
    found = load_weights(tmp_path / "w.safetensors")
    assert set(found) == set(given)
    matrix = given["matrix"] if bits == 8 else given["matrix"].view(-1, GROUP)
    steps = matrix.abs().amax(1, keepdim=True) / levels
    error = (found["matrix"].view_as(matrix) - matrix).abs()
    assert bool((error <= steps * 0.505).all())
    torch.testing.assert_close(found["small"], given["small"], atol=2e-3, rtol=1e-3)
    assert torch.equal(found["count"], given["count"])


@pytest.mark.parametrize("bits", [8, 4])
def test_what_was_stored_is_stored_again_unchanged(bits: int) -> None:
    once = dequantize_matrix(*quantize_matrix(tensors()["matrix"], bits))  # type: ignore[arg-type]
    again = dequantize_matrix(*quantize_matrix(once, bits))  # type: ignore[arg-type]
    torch.testing.assert_close(once, again, rtol=1e-3, atol=1e-4)


def test_a_stop_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.safetensors"
    save_weights({"a": torch.ones(3)}, path, bits=16)

    def torn(_: object, target: Path, **__: object) -> None:
        Path(target).write_bytes(b"half of it")
        raise OSError("no space left on device")

    monkeypatch.setattr("latentwire.storage.save_file", torn)
    with pytest.raises(OSError, match="no space"):
        save_weights({"a": torch.zeros(3)}, path, bits=16)
    assert torch.equal(load_weights(path)["a"], torch.ones(3))


def test_files_that_are_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has no file w\.safetensors"):
        load_weights(tmp_path / "w.safetensors")
    (tmp_path / "w.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(CheckpointError, match="not a readable safetensors file"):
        load_weights(tmp_path / "w.safetensors")


def test_only_our_own_storage_is_taken_for_it(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "plain.safetensors", metadata={"format": "pt"})
    save_weights({"a": torch.ones(2)}, tmp_path / "ours.safetensors", bits=8)
    assert not is_quantized_file(tmp_path / "plain.safetensors")
    assert is_quantized_file(tmp_path / "ours.safetensors")


def test_a_model_in_8_bits_is_loaded_like_any_other(
    random_llama: RandomModel, tmp_path: Path
) -> None:
    original = FrozenModel.load(random_llama.model)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((Path(random_llama.model) / name).read_bytes())
    save_weights(dict(original.model.named_parameters()), tmp_path / "model.safetensors", bits=8)
    compact = FrozenModel.load(str(tmp_path))
    assert type(compact.model) is type(original.model)
    assert compact.model.lm_head.weight is compact.model.get_input_embeddings().weight  # tied
    expected, _ = original.hidden_states(["a gorgeous movie"], 2)
    found, _ = compact.hidden_states(["a gorgeous movie"], 2)
    assert float((found - expected).norm() / expected.norm()) < 0.05
    weights = load_weights(tmp_path / "model.safetensors")
    name, matrix = next((name, value) for name, value in weights.items() if value.ndim == 2)
    save_weights({**weights, name: matrix[:, :16]}, tmp_path / "model.safetensors", bits=8)
    with pytest.raises(CheckpointError, match=r"does not fit .*: size mismatch"):
        FrozenModel.load(str(tmp_path))


@pytest.fixture
def model_folder(random_llama: RandomModel, tmp_path: Path) -> Path:
    """A copy of a model as ``save_pretrained`` wrote it."""
    return Path(shutil.copytree(random_llama.model, tmp_path / "model"))


def test_a_model_folder_without_weights_is_no_part(model_folder: Path) -> None:
    (model_folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model folder .*model has no weights") as caught:
        FrozenModel.load(str(model_folder))
    assert "save_pretrained" in str(caught.value.hint)


@pytest.mark.parametrize("kept", [0, 64, 5000])
def test_a_model_whose_weights_are_cut_off_is_refused(kept: int, model_folder: Path) -> None:
    weights = model_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    assert_not_loaded(model_folder, "SafetensorError")


def test_a_model_whose_shards_are_not_there_is_refused(model_folder: Path) -> None:
    (model_folder / "model.safetensors").unlink()
    index = model_folder / "model.safetensors.index.json"
    index.write_text("{")
    assert_not_loaded(model_folder, "JSONDecodeError")
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": "model-1.safetensors"}}))
    assert_not_loaded(model_folder, "model-1")


def test_a_model_of_other_shapes_than_its_configuration_is_refused(model_folder: Path) -> None:
    config = json.loads((model_folder / "config.json").read_text())
    (model_folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 32}))
    assert_not_loaded(model_folder, "their shapes are not those of its config.json")


def test_a_model_with_a_weight_in_no_file_is_refused(model_folder: Path) -> None:
    weights = load_file(model_folder / "model.safetensors")
    lost = "model.layers.0.self_attn.q_proj.weight"
    del weights[lost]
    save_file(weights, model_folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match=f"1 of its weights are in no file.*'{lost}'") as e:
        FrozenModel.load(str(model_folder))
    assert "download all of its files" in str(e.value.hint)


def test_a_pooler_may_be_in_no_file(tmp_path: Path, random_llama: RandomModel) -> None:
    config = BertConfig(
        vocab_size=4096, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(tmp_path)
    for file in Path(random_llama.model).glob("tokenizer*"):
        shutil.copy(file, tmp_path)
    states, _ = FrozenModel.load(str(tmp_path)).hidden_states(["a gorgeous movie"], 1)
    assert states.shape[-1] == 32


def test_a_model_that_compares_texts_with_images_is_refused(model_folder: Path) -> None:
    CLIPConfig().save_pretrained(model_folder)
    with pytest.raises(UsageError, match=r"of a text alone.*\(clip\)"):
        FrozenModel.load(str(model_folder))


def assert_not_loaded(folder: Path, why: str) -> None:
    with pytest.raises(CheckpointError, match=f"cannot be loaded with its weights: .*{why}") as e:
        FrozenModel.load(str(folder))
    assert "\n" not in str(e.value)
    assert "save_pretrained" in str(e.value.hint)


def test_a_saved_part_holds_its_own_weights_and_nothing_else(random_qwen: RandomModel) -> None:
    names = {name.rsplit(".", 1)[0] if name.endswith((".int8", ".scale")) else name
             for name in load_file(Path(random_qwen.adapter) / PART_WEIGHTS)}  # fmt: skip
    assert names == {
        "expand.weight", "expand.bias", "project.weight", "project.bias",
        "colorizer.mean", "colorizer.deviation",
    }  # fmt: skip


def test_a_part_of_another_role_model_or_shape_is_refused(
    random_llama: RandomModel, random_qwen: RandomModel, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="holds an encoder, not an adapter"):
        Receiver.from_pretrained(random_qwen.model, adapter=random_qwen.encoder)
    with pytest.raises(CheckpointError, match="hidden size 48"):
        Sender.from_pretrained(random_qwen.model, encoder=random_llama.encoder)
    part = Part.load(random_qwen.encoder, "encoder")
    Part("encoder", part.module, part.model, "00" * 16, part.space).save(tmp_path / "stale")
    with pytest.raises(CheckpointError, match="with weights"):
        Sender.from_pretrained(random_qwen.model, encoder=str(tmp_path / "stale"))


def test_a_damaged_part_is_refused(random_qwen: RandomModel, tmp_path: Path) -> None:
    part = Part.load(random_qwen.adapter, "adapter")
    part.save(tmp_path)
    description = json.loads((tmp_path / PART_JSON).read_text())
    description["config"]["inner_width"] = 11
    (tmp_path / PART_JSON).write_text(json.dumps(description))
    with pytest.raises(CheckpointError, match="does not fit"):
        Part.load(tmp_path, "adapter")
    (tmp_path / PART_JSON).write_text("{}")
    with pytest.raises(CheckpointError, match="does not describe a part"):
        Part.load(tmp_path, "adapter")
    (tmp_path / PART_WEIGHTS).unlink()
    (tmp_path / PART_JSON).write_text(json.dumps({**description, "config": {"hidden_size": 32}}))
    with pytest.raises(CheckpointError, match="has no file"):
        Part.load(tmp_path, "adapter")

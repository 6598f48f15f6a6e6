"""What a run does when things go wrong or memory is short, and what it leaves behind."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from latentwire.checkpoint import PART_WEIGHTS, Part
from latentwire.durable import reserve, write_whole
from latentwire.errors import CheckpointError, DiskFullError, RecipeError, TrainingError
from latentwire.frozen import FrozenModel
from latentwire.models.registry import ARCHITECTURES
from latentwire.training.compute import start_accelerator
from latentwire.training.loop import Trainer
from latentwire.training.recipe import Recipe
from latentwire.training.recipe_sections import ValidationRecipe
from latentwire.training.selection import Selection
from latentwire.training.state import BEST, LAST, PREVIOUS, load_state, save_state
from mini_recipes import mini_recipe, mini_stage
from random_models import RandomModel

STEPS = 6


@pytest.fixture
def build(
    random_llama: RandomModel, random_qwen: RandomModel, sample_data_dir: Path, tmp_path: Path
) -> Any:
    """Makes a trainer of one stage, with changes to the stage, the engine and the recipe."""

    def make(
        engine: dict[str, Any] | None = None,
        mode: str = "soft_tokens",
        recipe: dict[str, Any] | None = None,
        **stage: Any,
    ) -> Trainer:
        made = Recipe.model_validate(
            mini_recipe(
                [random_qwen.model],
                [mini_stage(random_llama.model, **{"steps": STEPS, **stage})],
                engine={"save_every": 2, "log_every": 2, **(engine or {})},
                adapter={"mode": mode},
                **(recipe or {}),
            )
        )
        accelerator = start_accelerator()
        return Trainer(made, made.stages[0], tmp_path / "run", sample_data_dir, accelerator)

    return make


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def gradients(trainer: Trainer) -> dict[str, torch.Tensor]:
    trainer.step_loss.zero_grad()
    trainer.loss(0).backward()
    return {n: p.grad for n, p in trainer.step_loss.named_parameters() if p.grad is not None}


def test_layers_computed_again_give_the_same_gradients(build: Any) -> None:
    kept, again = build(), build({"gradient_checkpointing": True})
    receiver = next(iter(again.parts.receivers.values())).model
    inside = [m for m in receiver.modules() if m.training]
    assert {type(module).__name__ for module in inside} == {"Qwen2DecoderLayer"}
    calls = []
    receiver.model.layers[0].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    found, wanted = gradients(again), gradients(kept)
    assert len(calls) == 2  # forward, and once more for the backward pass
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient)


def test_pieces_add_up_to_the_batch(build: Any) -> None:
    whole, pieces = build(), build({"accumulation": 4})
    steps = [{n: float(v) for n, v in t.updates.step(0).items()} for t in (whole, pieces)]
    assert steps[1] == pytest.approx(steps[0], rel=1e-4)
    with pytest.raises(RecipeError, match="7 pieces"):
        build({"accumulation": 7})


def test_messages_are_cut_as_often_as_a_length_is_named(build: Any) -> None:
    changes = {"prefix_lengths": [1, 1, 1, 3, 40], "full_length_share": 0.25}
    trainer = build(recipe=changes)
    drawn = [trainer.batches.draw(step).num_latents for step in range(200)]
    assert set(drawn) == {1, 3, 4}  # of 4 latents: 40 is no prefix
    for length, share in ((1, 0.75 * 0.75), (3, 0.75 * 0.25), (4, 0.25)):
        assert abs(drawn.count(length) / 200 - share) < 0.1, length


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_a_run_folder_tells_what_happened(build: Any, optimizer: str, tmp_path: Path) -> None:
    result = build(optimizer=optimizer, validation={"rows": 4, "every": 2}).run()
    folder = tmp_path / "run" / "stages" / "found"
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    logged = [line for line in lines if "loss" in line]
    assert [line["step"] for line in logged] == [2, 4, 6]
    assert all(
        line["loss"] == pytest.approx(line["label_likelihood"])
        and line["examples_per_second"] > 0
        and line["gradient_norm"] > 0
        and line["learning_rate"] > 0
        for line in logged
    )
    assert [line["step"] for line in lines if "validation" in line] == [2, 4, 6]
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert list((folder / "tensorboard").iterdir())
    assert result["best_step"] in (2, 4, 6)
    part = Part.load(tmp_path / "run" / "adapters" / "random-qwen", "adapter")
    assert part.figures["trained"]["steps"] == result["best_step"]
    card = (tmp_path / "run" / "adapters" / "random-qwen" / "README.md").read_text()
    [(receiver, tasks)] = result["validation"].items()
    for task, found in tasks.items():
        assert f"| {receiver} | {task} | {found['accuracy']} | {found['loss']} |" in card


def test_it_stops_when_nothing_gets_better_and_keeps_the_best(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = {"rows": 4, "every": 1, "patience": 2, "choose_by": "loss"}
    trainer = build(steps=40, learning_rate=1e-12, warmup_steps=1, validation=looks)
    weights = {}
    step = trainer.updates.step

    def remember(number: int) -> dict[str, torch.Tensor]:
        found = step(number)
        weights[number + 1] = trainer.parts.encoder.project.weight.detach().clone()
        return found

    monkeypatch.setattr(trainer.updates, "step", remember)
    result = trainer.run()
    assert result["step"] == result["best_step"] + 2 < 40
    assert torch.equal(trainer.parts.encoder.project.weight, weights[result["best_step"]])


@pytest.mark.parametrize(
    ("choose_by", "better"), [("accuracy", [True, True, False]), ("loss", [True, False, True])]
)
def test_accuracy_is_better_when_it_is_higher_and_loss_when_it_is_lower(
    choose_by: Any, better: list[bool]
) -> None:
    selection = Selection(ValidationRecipe(every=1, patience=1, choose_by=choose_by))
    figures = [
        {"r": {"t": {"accuracy": accuracy, "loss": loss}}}
        for accuracy, loss in ((50.0, 2.0), (60.0, 2.0), (60.0, 1.0))
    ]
    assert [selection.is_better(step, figure) for step, figure in enumerate(figures)] == better
    assert selection.is_over == (not better[-1])


@pytest.mark.parametrize("what", ["a latent", "the gradient"])
def test_what_is_no_number_ends_the_run(build: Any, what: str) -> None:
    trainer = build()
    adapter = next(iter(trainer.parts.adapters.values()))
    broken = trainer.parts.encoder if what == "a latent" else adapter
    with torch.no_grad():
        broken.project.weight[0, 0] = torch.nan
    before = trainer.parts.encoder.project.bias.clone()
    with pytest.raises(TrainingError, match=f"step 3: {what} is not finite"):
        trainer.updates.step(3)
    assert torch.equal(trainer.parts.encoder.project.bias, before)


def test_a_damaged_state_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    module = torch.nn.Linear(64, 64)
    optimizer = torch.optim.AdamW(module.parameters())
    for step in (1, 2):
        module(torch.ones(1, 64)).sum().backward()
        optimizer.step()
        save_state(tmp_path, {"m": module}, [optimizer], {"step": step})
    last, previous = tmp_path / LAST, tmp_path / PREVIOUS
    data = bytearray(last.read_bytes())
    data[-100] ^= 1  # one bit, in a tensor
    last.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert load_state(tmp_path, {"m": module}, [optimizer]) == {"step": 1}
    assert f"{last} is not what was written" in caplog.text
    previous.write_bytes(previous.read_bytes()[:-10])  # cut
    with pytest.raises(CheckpointError, match=r"no state in .* is whole") as caught:
        load_state(tmp_path, {"m": module}, [optimizer])
    assert "delete last.safetensors and previous.safetensors" in str(caught.value.hint)


def test_a_state_of_another_recipe_is_refused(build: Any, tmp_path: Path) -> None:
    build().run()
    with pytest.raises(
        RecipeError, match=r"stages\.found\.encoder\.depth was 1 and is 2"
    ) as caught:
        build(encoder={"depth": 2, "num_heads": 4})
    assert "another run folder" in str(caught.value.hint)
    folder = tmp_path / "run" / "stages" / "found"
    with pytest.raises(CheckpointError, match="of another encoder"):
        load_state(folder, {"encoder": torch.nn.Linear(2, 2)}, [])


def test_a_full_disk_keeps_the_old_state(full_disk: Path) -> None:
    module = torch.nn.Linear(64, 64)
    save_state(full_disk, {"m": module}, [], {"step": 1})
    wanted = module.weight.clone()
    larger = torch.nn.Linear(512, 512)
    with pytest.raises(DiskFullError, match=LAST) as caught:
        save_state(full_disk, {"m": larger}, [], {"step": 2})
    assert "make room" in str(caught.value.hint)
    torch.nn.init.zeros_(module.weight)
    assert load_state(full_disk, {"m": module}, []) == {"step": 1}
    assert torch.equal(module.weight, wanted)
    with pytest.raises(DiskFullError, match="1,000,000 bytes"):
        reserve(full_disk / "states.f16", 1_000_000)
    assert sorted(path.name for path in full_disk.iterdir() if "partial" in path.name) == []


def test_no_room_for_a_line(tmp_path: Path) -> None:
    target = tmp_path / "part.json"
    write_whole(target, "old")
    (tmp_path / "part.json.partial").symlink_to("/dev/full")
    with pytest.raises(DiskFullError, match=r"part\.json"):
        write_whole(target, "new")
    assert target.read_text() == "old"


def test_a_part_that_was_being_written_is_refused(random_qwen: RandomModel, tmp_path: Path) -> None:
    part = Part.load(random_qwen.adapter, "adapter")
    part.save_pretrained(tmp_path)
    again = Part.from_pretrained(tmp_path, "adapter")
    assert again.space == part.space
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {"README.md", "part.json", "part.safetensors"}
    assert part.space.fingerprint.hex() in (tmp_path / "README.md").read_text()
    other = Part.load(random_qwen.adapter, "adapter")
    other.module.project.weight.add_(1)
    other.save(tmp_path / "other")
    (tmp_path / "other" / PART_WEIGHTS).replace(tmp_path / PART_WEIGHTS)
    with pytest.raises(CheckpointError, match=r"is not what part\.json was written with"):
        Part.load(tmp_path, "adapter")


def test_a_damaged_cache_is_computed_again(
    build: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = build().loss(0)
    for states in (tmp_path / "features").glob("*/states.f16"):
        data = bytearray(states.read_bytes())
        data[1] ^= 0x40
        states.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert torch.equal(build().loss(0), wanted)
    assert caplog.text.count("states.f16 is not what was written; computing it again") == 2


def test_the_best_is_no_checkpoint_to_resume_from(build: Any, tmp_path: Path) -> None:
    build(validation={"rows": 4, "every": 3}).run()
    folder = tmp_path / "run" / "stages" / "found"
    assert {path.name for path in folder.glob("*.safetensors")} == {LAST, PREVIOUS, BEST}


@pytest.mark.parametrize(
    "architecture",
    [name for name, found in ARCHITECTURES.items() if found.role == "encoder" and name != "byte"],
)
def test_every_architecture_can_be_named(
    build: Any, architecture: str, random_llama: RandomModel
) -> None:
    small = {"inner_width": 16, "num_layers": 1, "num_heads": 4, "codebook_size": 8}
    takes = ARCHITECTURES[architecture].config.__dataclass_fields__
    options = {name: value for name, value in small.items() if name in takes}
    stage: dict[str, Any] = {}
    if architecture == "diffusion":
        stage = {"name": "join", "train": ["encoder"], "teacher": random_llama.model}
        build(steps=1).run()
    encoder = {"architecture": architecture, **options}
    result = build(steps=3, encoder=encoder, layer=[0, 1], **stage).run()
    assert result["loss"] > 0
    assert result["validation"]


def test_deep_messages_and_a_whitened_layer(build: Any, tmp_path: Path) -> None:
    encoder = {"depth": 1, "num_heads": 4, "normalization": "whiten"}
    trainer = build({"gradient_checkpointing": True}, steps=20, encoder=encoder, mode="deep")
    first = sum(trainer.loss(step).item() for step in range(3))
    trainer.run()
    assert sum(trainer.loss(step).item() for step in range(3)) < first
    part = Part.load(tmp_path / "run" / "adapters" / "random-qwen", "adapter")
    assert part.module.kind == "key-value"
    with pytest.raises(RecipeError, match=r"adapter\.mode"):
        build(steps=20, encoder=encoder)


def test_a_geometry_that_cannot_be_built_is_refused(build: Any) -> None:
    with pytest.raises(RecipeError, match=r"encoder\.depth: Input should be a valid integer"):
        build(encoder={"depth": "deep"})
    with pytest.raises(RecipeError, match="has layers 0 to 2, not 7"):
        build(layer=7)


def test_a_model_published_in_bfloat16_has_one_digest(
    random_qwen: RandomModel, tmp_path: Path
) -> None:
    original = FrozenModel.load(random_qwen.model, dtype=torch.bfloat16)
    original.model.save_pretrained(tmp_path)
    original.tokenizer.save_pretrained(tmp_path)
    as_float32 = FrozenModel.load(str(tmp_path))
    assert as_float32.dtype == torch.float32
    assert as_float32.weights_digest == original.weights_digest
    assert as_float32.weights_digest != FrozenModel.load(random_qwen.model).weights_digest


def test_frozen_weights_in_bfloat16_train(build: Any) -> None:
    trainer = build({"frozen_dtype": "bfloat16", "precision": "bf16"}, steps=2)
    assert next(iter(trainer.parts.receivers.values())).dtype == torch.bfloat16
    assert trainer.parts.encoder.project.weight.dtype == torch.float32
    assert trainer.run()["loss"] > 0

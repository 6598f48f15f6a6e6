"""Receivers adapted by LoRA: trained with the adapter, saved with it, and nothing else changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from latentwire import extras
from latentwire.checkpoint import PART_JSON, Part
from latentwire.errors import CheckpointError, MissingExtraError, UsageError
from latentwire.exchange.roles import load_roles
from latentwire.frozen import FrozenModel
from latentwire.frozen.adapted import AdaptedModel
from latentwire.frozen.model import digest_tensors
from latentwire.frozen.scoring import text_prefix
from latentwire.lora import LORA_CONFIG, LORA_FOLDER, LORA_WEIGHTS, Lora, LoraConfig
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.training.compute import start_accelerator
from latentwire.training.dry_run import dry_run
from latentwire.training.loop import Trainer
from latentwire.training.objectives import text_distillation
from latentwire.training.parts import measure_saved, save_parts, write_figures
from latentwire.training.recipe import Recipe
from latentwire.training.state import load_state, save_state
from mini_recipes import mini_recipe, mini_stage
from peft import PeftModel
from pydantic import ValidationError
from random_models import RandomModel, random_frozen

CONFIG = LoraConfig(rank=2, alpha=4, targets=("q_proj", "v_proj"))
CHOICES = ["world", "it"]


@pytest.fixture
def recipe(random_llama: RandomModel, random_qwen: RandomModel) -> Any:
    """Makes a recipe whose receiver is adapted."""

    def make(mode: str = "soft_tokens", engine: Any = None, lora: Any = None) -> Recipe:
        lora = {"rank": 2, "alpha": 4} if lora is None else lora
        founds = mini_stage(
            random_llama.model, warmup_steps=1, learning_rate=0.01, validation={"rows": 8}
        )
        joins = {
            **founds,
            "name": "join",
            "train": ["encoder"],
            "teacher": random_llama.model,
            "objectives": {"latent_distillation": 1.0, "label_likelihood": 1.0},
        }
        return Recipe.model_validate(
            mini_recipe(
                [random_qwen.model],
                [founds, joins],
                engine=engine or {},
                adapter={"mode": mode, "lora": lora},
                tasks={"trec": 1.0},
            )
        )

    return make


@pytest.fixture
def build(recipe: Any, sample_data_dir: Path, tmp_path: Path) -> Any:
    """Makes a trainer of a stage of it."""

    def make(stage: int = 0, **options: Any) -> Trainer:
        made = recipe(**options)
        return Trainer(
            made, made.stages[stage], tmp_path / "run", sample_data_dir, start_accelerator()
        )

    return make


def adapted_of(trainer: Trainer) -> AdaptedModel:
    [receiver] = trainer.parts.receivers.values()
    assert isinstance(receiver, AdaptedModel)
    return receiver


@pytest.mark.parametrize("mode", ["soft_tokens", "deep"])
def test_additions_learn_and_frozen_weights_do_not(build: Any, mode: str) -> None:
    trainer = build(mode=mode)
    receiver = adapted_of(trainer)
    before = digest_tensors(receiver.base.model.state_dict())
    assert receiver.weights_digest == before
    frozen = {id(p) for p in receiver.base.model.parameters()}
    frozen |= {id(p) for p in trainer.parts.sender.model.parameters()}
    own = list(receiver.weights.parameters())
    start = [p.detach().clone() for p in own]
    for step in range(3):
        trainer.updates.step(step)
    held = [
        p for o in trainer.updates.optimizers for group in o.param_groups for p in group["params"]
    ]
    assert not frozen & {id(p) for p in held}
    assert {id(p) for p in own} <= {id(p) for p in held}
    assert all(id(p) not in frozen for o in trainer.updates.optimizers for p in o.state)
    assert all(not torch.equal(p, old) for p, old in zip(own, start, strict=True))
    assert digest_tensors(receiver.base.model.state_dict()) == before
    assert all(p.grad is None for p in receiver.base.model.parameters())


def test_fresh_additions_change_nothing_and_trained_ones_not_the_base() -> None:
    base = random_frozen("llama")
    adapted = AdaptedModel(base, CONFIG)
    prefix, mask = text_prefix(base, ["the card"])
    states = base.model.base_model(inputs_embeds=prefix).last_hidden_state
    same = adapted.model.base_model(inputs_embeds=prefix).last_hidden_state
    assert torch.equal(same, states)
    for parameter in adapted.weights.parameters():
        torch.nn.init.normal_(parameter)
    other = adapted.model.base_model(inputs_embeds=prefix).last_hidden_state
    assert (other - states).abs().max() > 1e-2
    assert torch.equal(base.model.base_model(inputs_embeds=prefix).last_hidden_state, states)
    own = next(p for n, p in adapted.model.named_parameters() if "embed_tokens" in n)
    assert own.data_ptr() == base.model.get_input_embeddings().weight.data_ptr()  # no second copy
    # The text is read by the model that was published: a moving teacher teaches nothing.
    question, answer = [[5, 6]], [[7, 1]]
    loss = text_distillation(adapted, prefix, ["the card"], question, answer, mask=mask)
    assert float(loss.detach()) > 1e-3
    untouched = text_distillation(base, prefix, ["the card"], question, answer, mask=mask)
    assert float(untouched.detach()) == pytest.approx(0, abs=1e-5)


def test_it_resumes_exactly(build: Any) -> None:
    first = build()
    first.updates.step(0)
    first.folder.mkdir(parents=True)
    save_state(first.folder, first.parts.trained, first.updates.optimizers, {"step": 1})
    resumed = build()
    assert load_state(resumed.folder, resumed.parts.trained, resumed.updates.optimizers)
    for trainer in (first, resumed):
        trainer.updates.step(1)
    assert any(name.startswith("lora.") for name in first.parts.trained)
    for name, module in first.parts.trained.items():
        other = resumed.parts.trained[name].state_dict()
        assert all(torch.equal(value, other[key]) for key, value in module.state_dict().items())


def test_a_part_brings_its_additions_along(
    build: Any,
    tmp_path: Path,
    random_llama: RandomModel,
    random_qwen: RandomModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trainer = build()
    for step in range(4):
        trainer.updates.step(step)
    run = tmp_path / "run"
    trainer.parts.space.save(run)
    save_parts(trainer.parts, trainer.stage, run)
    figures = measure_saved(trainer.parts, trainer.stage, run, trainer.validation)
    write_figures(trainer.parts, trainer.stage, run, figures, {"steps": 4})
    folder = run / "adapters" / "random-qwen"
    described = json.loads((folder / PART_JSON).read_text())["receiver_lora"]
    assert (described["rank"], described["targets"]) == (2, ["q_proj", "v_proj"])
    assert "LoRA of rank 2, alpha 4, on q_proj, v_proj" in (folder / "README.md").read_text()
    lora = Part.load(folder, "adapter").lora
    assert lora is not None
    for name, value in adapted_of(trainer).weights.lora.weights.items():
        assert torch.equal(lora.weights[name], value)

    # In use: the receiver hears with them, reads texts without, and shares the model with a sender.
    encoder = str(run / "encoders" / "random-llama")
    packet = Sender.from_pretrained(random_llama.model, encoder=encoder).encode("the card")
    frozen = FrozenModel.load(random_qwen.model)
    untouched = digest_tensors(frozen.model.state_dict())
    receiver = Receiver.from_pretrained(random_qwen.model, adapter=str(folder), frozen=frozen)
    part = Part.load(folder, "adapter")
    plain = Receiver(frozen, Part("adapter", part.module, part.model, "", part.space))
    assert plain.listener is plain.frozen is frozen
    heard = receiver.ask(packet, choices=CHOICES).probability
    assert heard != pytest.approx(plain.ask(packet, choices=CHOICES).probability, abs=1e-6)
    assert receiver.ref != plain.ref
    texts = [r.ask_text("the card", choices=CHOICES).probability for r in (receiver, plain)]
    assert texts[0] == texts[1]
    assert digest_tensors(frozen.model.state_dict()) == untouched
    _, hosted = load_roles(random_qwen.model, role="receiver", adapter=str(folder))
    assert hosted is not None
    assert hosted.ask(packet, choices=CHOICES).probability == pytest.approx(heard, abs=1e-6)

    # Other programs read the folder as one of peft's.
    by_peft = PeftModel.from_pretrained(
        FrozenModel.load(random_qwen.model).model, str(folder / LORA_FOLDER)
    )
    ids = torch.tensor([[5, 6, 7]])
    torch.testing.assert_close(by_peft(ids).logits, receiver.listener.model(ids).logits)

    # A stage that only trains an encoder hears through them and leaves them as they are.
    joins = build(1)
    assert not any("lora" in name for name in joins.parts.trained)
    assert not any(p.requires_grad for p in adapted_of(joins).weights.parameters())
    for name, value in adapted_of(joins).weights.lora.weights.items():
        assert torch.equal(lora.weights[name], value)

    # What does not fit is refused.
    with pytest.raises(CheckpointError, match="was trained for"):
        Receiver.from_pretrained(random_llama.model, adapter=str(folder))
    other = dict(lora.weights)
    name, value = other.popitem()
    with pytest.raises(CheckpointError, match="missing, unknown or of another shape"):
        AdaptedModel.with_weights(frozen, Lora(lora.config, other))
    with pytest.raises(CheckpointError, match="missing, unknown or of another shape"):
        AdaptedModel.with_weights(frozen, Lora(lora.config, {**other, name: value[:1]}))
    found = extras.importlib.util.find_spec
    with monkeypatch.context() as patched:
        patched.setattr(
            extras.importlib.util, "find_spec", lambda name: None if name == "peft" else found(name)
        )
        with pytest.raises(MissingExtraError, match="peft"):
            Receiver.from_pretrained(random_qwen.model, adapter=str(folder))
    config = folder / LORA_FOLDER / LORA_CONFIG
    written = config.read_text()
    config.write_text("{")
    with pytest.raises(CheckpointError, match="does not hold the LoRA weights"):
        Part.load(folder, "adapter")
    config.write_text(written)
    weights = folder / LORA_FOLDER / LORA_WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"is not what part\.json was written with"):
        Part.load(folder, "adapter")
    weights.unlink()
    with pytest.raises(CheckpointError, match="there is no file receiver_lora/"):
        Part.load(folder, "adapter")


def test_layers_that_are_not_there_and_pieces_of_a_model_are_refused(recipe: Any) -> None:
    with pytest.raises(UsageError, match="no linear layers named 'query'") as caught:
        AdaptedModel(random_frozen("llama"), LoraConfig(rank=2, alpha=1, targets=("query",)))
    assert "q_proj" in str(caught.value.hint)
    with pytest.raises(ValidationError, match=r"engine\.strategy=ddp"):
        recipe(engine={"strategy": "fsdp"})
    made = recipe()
    found = dry_run(made, made.stages[0])
    counted = [count for name, count in found["parameters"].items() if "LoRA" in name]
    # Two layers; q_proj 32 -> 32, v_proj 32 -> 16.
    assert counted == [2 * 2 * ((32 + 32) + (32 + 16))]

"""Training in miniature, for real: random models, the sample data, a few steps."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from latentwire.checkpoint import Part
from latentwire.errors import RecipeError
from latentwire.frozen import FrozenModel
from latentwire.frozen.model import digest_tensors
from latentwire.training.compute import start_accelerator
from latentwire.training.loop import Trainer
from latentwire.training.recipe import Recipe
from latentwire.training.recipe_file import load_recipe
from latentwire.training.recipe_sections import Objectives
from random_models import RandomModel

RECIPES = Path(__file__).parents[2] / "training" / "recipes"
STEPS = 12


@pytest.fixture
def recipe(random_llama: RandomModel, random_qwen: RandomModel) -> Recipe:
    """Two stages: one that founds a space, one that joins it by distillation."""
    stage = {"encoder": {"depth": 1, "num_heads": 4}, "steps": STEPS, "batch_size": 8, "layer": 1}
    return Recipe.model_validate(
        {
            "engine": {"save_every": 4, "log_every": 1},
            "space": {"name": "mini", "num_latents": 4, "latent_width": 32},
            "receivers": [random_qwen.model, random_llama.model],
            "tasks": {"sst2": 0.5, "trec": 0.5},
            "stages": [
                {
                    **stage,
                    "name": "found",
                    "sender": random_llama.model,
                    "train": ["encoder", "adapters"],
                    "objectives": {"label_likelihood": 1.0},
                    "weight_bits": 4,
                },
                {
                    **stage,
                    "name": "join",
                    "sender": "bytes",
                    "layer": None,
                    "train": ["encoder"],
                    "teacher": random_llama.model,
                    "objectives": {"latent_distillation": 1.0},
                    "weight_bits": 8,
                },
            ],
        }
    )


def trainer(recipe: Recipe, stage: str, run_dir: Path, data_dir: Path) -> Trainer:
    return Trainer(recipe, recipe.stage(stage), run_dir, data_dir, start_accelerator())


def part_digests(run_dir: Path) -> dict[str, bytes]:
    return {
        str(path.parent.relative_to(run_dir)): path.read_bytes()
        for path in sorted(run_dir.rglob("part.safetensors"))
    }


def test_a_space_is_founded_and_joined_with_every_model_frozen(
    recipe: Recipe, tmp_path: Path, sample_data_dir: Path
) -> None:
    run_dir = tmp_path / "run"
    found = trainer(recipe, "found", run_dir, sample_data_dir)
    frozen = [found.parts.sender, *found.parts.receivers.values()]
    before = [digest_tensors(model.model.state_dict()) for model in frozen if model]
    first = {n: p.clone() for m in found.parts.trained.values() for n, p in m.named_parameters()}
    start = sum(found.loss(step).item() for step in range(4)) / 4
    result = found.run()
    end = sum(found.loss(step).item() for step in range(4)) / 4
    assert end < start
    assert before == [digest_tensors(model.model.state_dict()) for model in frozen if model]
    held = {id(p) for o in found.updates.optimizers for g in o.param_groups for p in g["params"]}
    assert held == {id(p) for m in found.parts.trained.values() for p in m.parameters()}
    changed = {n: p for m in found.parts.trained.values() for n, p in m.named_parameters()}
    assert all(not torch.equal(first[name], changed[name]) for name in first if "bias" not in name)
    assert set(result["validation"]) == set(recipe.receivers)

    adapters = {n: d for n, d in part_digests(run_dir).items() if n.startswith("adapters")}
    assert sorted(adapters) == ["adapters/random-llama", "adapters/random-qwen"]
    join = trainer(recipe, "join", run_dir, sample_data_dir)
    start = join.loss(0).item()
    join.run()
    assert join.loss(0).item() < start
    after = part_digests(run_dir)
    assert {n: after[n] for n in adapters} == adapters  # bit for bit
    encoder = Part.load(run_dir / "encoders" / "bytes", "encoder")
    assert encoder.space.fingerprint == found.parts.space.fingerprint


def test_a_resumed_run_is_the_run_that_was_not_interrupted(
    recipe: Recipe, tmp_path: Path, sample_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trainer(recipe, "found", tmp_path / "whole", sample_data_dir)
    whole.run()

    class PowerCut(BaseException):
        pass

    cut = trainer(recipe, "found", tmp_path / "cut", sample_data_dir)
    step = cut.updates.step

    def step_until_power_cut(number: int) -> dict[str, torch.Tensor]:
        if number == STEPS // 2:
            raise PowerCut
        return step(number)

    monkeypatch.setattr(cut.updates, "step", step_until_power_cut)
    with pytest.raises(PowerCut):
        cut.run()
    trainer(recipe, "found", tmp_path / "cut", sample_data_dir).run()
    assert part_digests(tmp_path / "cut") == part_digests(tmp_path / "whole")


def test_passages_are_learned_from_without_labels(
    recipe: Recipe, tmp_path: Path, sample_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"Passage number {n} says something that has no label." for n in range(20)]
    monkeypatch.setattr("latentwire.training.stage_data.load_passages", lambda *_: texts)
    trainer(recipe, "found", tmp_path / "run", sample_data_dir).run()
    join = recipe.stage("join").model_copy(
        update={
            "unlabeled": {"wiki": 1.0},
            "objectives": Objectives.model_validate(
                {
                    "latent_distillation": {"weight": 1.0, "end": 0.5},
                    "message_distillation": {"weight": 1.0, "start": 0.5},
                }
            ),
        }
    )
    mixed = recipe.model_copy(update={"stages": [recipe.stages[0], join]})
    joining = trainer(mixed, "join", tmp_path / "run", sample_data_dir)
    passages = joining.batches.rows.spans["wiki"]
    assert set(joining.batches.draw(0).rows) & set(passages)
    last = STEPS - 1
    before = joining.loss(0).item(), joining.loss(last).item()
    joining.run()
    assert joining.loss(0).item() < before[0]
    assert joining.loss(last).item() < before[1]


def test_features_are_computed_once(
    recipe: Recipe, tmp_path: Path, sample_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer(recipe, "found", tmp_path / "run", sample_data_dir)

    def refuse(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(FrozenModel, "hidden_states", refuse)
    trainer(recipe, "found", tmp_path / "run", sample_data_dir)
    for done in (tmp_path / "features").glob("*/done.json"):
        done.unlink()  # a torn cache
    with pytest.raises(AssertionError, match="computed again"):
        trainer(recipe, "found", tmp_path / "run", sample_data_dir)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_loads(path: Path) -> None:
    assert load_recipe(path).stages


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("stages.0.step=5", "did you mean 'steps'"),
        ("tasks.sst=1", "did you mean 'sst2'"),
        ("stages.9.steps=5", "names no place"),
        ("stages.0.steps", "key=value"),
        ("stages.0.steps=0", "stages.found.steps"),
        ("stages.1.teacher=null", "needs a teacher"),
        ("space.encoding=int3", "encoding"),
        ("stages.2.objectives.message_distillation.begin=0.5", "known: weight, start, end"),
        ("stages.2.objectives.message_distillation.start=1.0", "message_distillation"),
        ("stages.2.unlabeled={wikipedia: 1}", "known: wiki"),
        ("stages.0.unlabeled={wiki: 1}", "without labels"),
        ("receivers=[a/model, b/model]", "share a folder"),
        ("stages.found.step=5", "did you mean 'steps'"),
        ("stages.found.encoder.dept=5", "did you mean 'depth'"),
        ("stages.bytes.encoder.normalization=whiten", "encoder.normalization"),
        ("stages.found.encoder.architecture=transformr", "did you mean 'transformer'"),
        ("stages.found.encoder.architecture=byte", "does not read 'minilm'"),
        ("stages.found.encoder={architecture: diffusion}", "diffusion encoder needs a teacher"),
        ("stages.found.validation.patience=3", "set every"),
        ("engine.strategy=ddp2", "engine.strategy"),
        ("engine.acumulation=2", "did you mean 'accumulation'"),
        ("prefix_lengths=[1, 0]", "0 latents are no message"),
        ("prefix_lengths=[]", "prefix_lengths"),
        ("adapter={mode: deep, width: 3}", "unknown key 'adapter.width'"),
        ("stages.found.batch_size=0", "stages.found.batch_size: Input should be greater"),
        ("stages.found.encoder={depht: 1}", "stages.found: unknown key 'encoder.depht'"),
        ("stages.fond.steps=3", "known there: found, tiny-llama, bytes"),
        ("seed={", "not YAML"),
    ],
)
def test_a_wrong_recipe_is_refused_in_one_line(override: str, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(RECIPES / "tiny.yaml", [override])
    assert words in f"{caught.value} {caught.value.hint}"
    assert "\n" not in str(caught.value)
    assert "Value error" not in str(caught.value)


def test_what_is_no_recipe_file_is_refused_in_one_line(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("space: Größe".encode("latin-1"))
    for path, words in (
        (latin, "UTF-8"),
        (tmp_path, "is a folder"),
        (tmp_path / "none.yaml", "does not exist"),
    ):
        with pytest.raises(RecipeError, match=words):
            load_recipe(path)


def test_overrides_change_fields() -> None:
    assert load_recipe(RECIPES / "tiny.yaml", ["stages.0.steps=7"]).stages[0].steps == 7


def test_recipe_that_is_missing_or_not_yaml(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="does not exist"):
        load_recipe(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text(yaml.dump({"seed": 1}) + "\n  : : [")
    with pytest.raises(RecipeError, match="not YAML"):
        load_recipe(bad)

"""Joining a latent space: receivers by an adapter alone, senders by an encoder alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from latentwire.checkpoint import DEFAULT_SPACE, SPACES_DIR, Part
from latentwire.cli import app
from latentwire.errors import CheckpointError, ModelNotFoundError, RecipeError, UsageError
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.training.command import run_stages
from latentwire.training.compute import start_accelerator
from latentwire.training.dry_run import dry_run
from latentwire.training.joining import find_part, has_space, load_space
from latentwire.training.loop import Trainer
from latentwire.training.preflight import check_stages
from latentwire.training.recipe import Recipe
from latentwire.training.recipe_sections import SpaceRecipe
from mini_recipes import mini_recipe, mini_stage
from pydantic import ValidationError
from random_models import RandomModel
from typer.testing import CliRunner


@pytest.fixture
def founder(random_llama: RandomModel) -> str:
    return random_llama.model


@pytest.fixture
def joined(random_qwen: RandomModel) -> str:
    return random_qwen.model


@pytest.fixture
def stages(founder: str, joined: str) -> dict[str, dict[str, Any]]:
    """A model founds with itself; another joins as receiver; bytes by speaking to the first."""
    return {
        "found": mini_stage(founder, receivers=[founder]),
        "receiver": {
            "name": "receiver",
            "sender": founder,
            "train": ["adapters"],
            "receivers": [joined],
            "objectives": {"label_likelihood": 1.0},
            "steps": 4,
            "batch_size": 6,
            "validation": {"rows": 4},
        },
        "sender": mini_stage(
            "bytes",
            name="sender",
            layer=None,
            train=["encoder"],
            receivers=[founder],
            teacher=founder,
            objectives={"label_likelihood": 1.0, "latent_distillation": 1.0},
        ),
    }


@pytest.fixture
def founded(recipe: Recipe, tmp_path: Path, sample_data_dir: Path) -> Path:
    """Folder of a run that has founded the space, and nobody has joined."""
    run_dir = tmp_path / "founded"
    run_stages(recipe, recipe.stages[:1], run_dir, sample_data_dir)
    return run_dir


@pytest.fixture
def recipe(stages: dict[str, dict[str, Any]], founder: str, joined: str) -> Recipe:
    return Recipe.model_validate(mini_recipe([founder, joined], list(stages.values())))


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*.safetensors")}


def test_a_pair_that_joined_one_by_one_understands_each_other(
    recipe: Recipe, founder: str, joined: str, tmp_path: Path, sample_data_dir: Path
) -> None:
    run_dir = tmp_path / "run"
    check_stages(recipe, recipe.stages, run_dir, sample_data_dir)
    found, receiver, sender = run_stages(recipe, recipe.stages, run_dir, sample_data_dir)
    assert set(found["validation"]) == set(sender["validation"]) == {founder}
    assert set(receiver["validation"]) == {joined}
    spaces = {
        Part.load(folder.parent, "encoder" if "encoders" in folder.parts else "adapter").space
        for folder in run_dir.rglob("part.json")
    }
    assert spaces == {load_space(recipe.space, run_dir)}
    speaker = Sender.from_pretrained("bytes", encoder=str(run_dir / "encoders" / "bytes"))
    adapter = str(run_dir / "adapters" / Path(joined).name)
    listener = Receiver.from_pretrained(joined, adapter=adapter)
    good, bad = (speaker.encode(text) for text in ("a witty film", "an awful mess of a film"))
    likely = [listener.ask(one, choices=["no", "yes"]).log_probabilities for one in (good, bad)]
    assert likely[0] != likely[1]  # it hears which of them was said


def test_what_is_joined_stays_as_it_is(
    recipe: Recipe, founder: str, joined: str, founded: Path, sample_data_dir: Path
) -> None:
    run_dir = founded
    before = {name: kept for name, kept in files(run_dir).items() if not name.startswith("stages")}
    trainer = Trainer(
        recipe, recipe.stage("receiver"), run_dir, sample_data_dir, start_accelerator()
    )
    assert set(trainer.parts.trained) == {f"adapter.{joined}"}
    encoder = Part.load(run_dir / "encoders" / Path(founder).name, "encoder").module
    assert not trainer.parts.encoder.training
    for (name, own), (_, saved) in zip(
        trainer.parts.encoder.state_dict().items(), encoder.state_dict().items(), strict=True
    ):  # its statistics of the sender as well
        torch.testing.assert_close(own, saved, rtol=0, atol=0, msg=name)
    first = {n: p.clone() for n, p in trainer.parts.adapters[joined].named_parameters()}
    trainer.run()
    after = files(run_dir)
    assert {name: after[name] for name in before} == before
    last = dict(trainer.parts.adapters[joined].named_parameters())
    assert all(not torch.equal(first[name], last[name]) for name in first if "weight" in name)


def test_a_space_of_another_folder_is_joined(
    stages: dict[str, dict[str, Any]],
    founded: Path,
    founder: str,
    joined: str,
    tmp_path: Path,
    sample_data_dir: Path,
) -> None:
    old, new = founded, tmp_path / "new"
    data = mini_recipe([founder, joined], [stages["receiver"], stages["sender"]])
    data["space"] = {**data["space"], "joins": str(old)}
    joining = Recipe.model_validate(data)
    check_stages(joining, joining.stages, new, sample_data_dir)
    before = files(old)
    run_stages(joining, joining.stages, new, sample_data_dir)
    assert files(old) == before
    assert sorted(str(p.parent.relative_to(new)) for p in new.rglob("part.json")) == sorted(
        [f"adapters/{Path(joined).name}", "encoders/bytes"]
    )
    assert (new / "space.json").read_bytes() == (old / "space.json").read_bytes()
    other = Recipe.model_validate({**data, "space": {**data["space"], "latent_width": 64}})
    with pytest.raises(CheckpointError, match="latent_width 32, the recipe 64"):
        run_stages(other, other.stages, tmp_path / "third", sample_data_dir)


def test_a_run_is_measured_with_the_parts_of_the_space_that_it_joined(
    stages: dict[str, dict[str, Any]],
    founded: Path,
    founder: str,
    joined: str,
    tmp_path: Path,
    sample_data_dir: Path,
) -> None:
    new, output = tmp_path / "new", tmp_path / "out"
    data = mini_recipe([joined], [{**stages["receiver"]}])
    data["space"] = {**data["space"], "joins": str(founded)}
    joining = Recipe.model_validate(data)
    run_stages(joining, joining.stages, new, sample_data_dir)
    where = ["--run", str(new), "--data-dir", str(sample_data_dir), "--output", str(output)]
    what = ["--figure", "latent", "--task", "trec", "--limit", "8", "--json"]
    measured = CliRunner().invoke(app, ["eval", *where, *what])
    assert measured.exit_code == 0, measured.output
    paths = {
        (record["sender"], record["receiver"])
        for record in json.loads(measured.stdout)
        if record["figure"] == "latent"
    }
    names = Path(founder).name, Path(joined).name
    assert paths == {(names[0], names[1]), (names[0], names[0])}
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "recipe.json").write_text('{"projector": {}}')
    nothing = CliRunner().invoke(
        app, ["eval", "--run", str(tmp_path / "none"), "--output", str(output)]
    )
    assert isinstance(nothing.exception, UsageError)
    assert "holds no encoder" in str(nothing.exception)


def test_the_shipped_space_is_joined_by_its_name(tmp_path: Path) -> None:
    space = SpaceRecipe(name=DEFAULT_SPACE, joins=DEFAULT_SPACE)
    assert has_space(space, tmp_path)
    assert load_space(space, tmp_path).name == DEFAULT_SPACE
    shipped = SPACES_DIR / DEFAULT_SPACE
    assert find_part("encoder", "bytes", space, tmp_path) == shipped / "encoders" / "bytes"
    assert not has_space(SpaceRecipe(name=DEFAULT_SPACE), tmp_path)


def test_what_cannot_be_joined_is_refused_before_the_first_stage(
    stages: dict[str, dict[str, Any]],
    founder: str,
    joined: str,
    tmp_path: Path,
    sample_data_dir: Path,
) -> None:
    def check(*names: str) -> None:
        recipe = Recipe.model_validate(
            mini_recipe([founder, joined], [stages[name] for name in names])
        )
        check_stages(recipe, recipe.stages, tmp_path / "run", sample_data_dir)

    with pytest.raises(RecipeError, match="joins a latent space"):
        check("receiver", "found")
    stages["sender"]["receivers"] = [joined]
    with pytest.raises(ModelNotFoundError, match="no trained adapter"):
        check("found", "sender")
    stages["receiver"]["sender"] = joined
    with pytest.raises(ModelNotFoundError, match="no trained encoder"):
        check("found", "receiver")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer": 1}, "leave them out"),
        ({"encoder": {"depth": 1}}, "leave them out"),
        ({"objectives": {"latent_distillation": 1.0}, "teacher": "bytes"}, "teaches an encoder"),
        ({"train": []}, "at least 1 item"),
        ({"receivers": []}, "at least 1 item"),
        ({"receivers": ["nobody"]}, "'nobody' is none of the recipe's"),
    ],
)
def test_a_stage_of_adapters_alone_says_nothing_of_its_encoder(
    stages: dict[str, dict[str, Any]],
    founder: str,
    joined: str,
    change: dict[str, Any],
    message: str,
) -> None:
    stages["receiver"] |= change
    with pytest.raises(ValidationError, match=message):
        Recipe.model_validate(mini_recipe([founder, joined], list(stages.values())))


def test_a_dry_run_counts_the_receivers_of_the_stage(
    recipe: Recipe, founder: str, joined: str
) -> None:
    found = dry_run(recipe, recipe.stage("receiver"))
    assert found["plan"]["receivers"] == [joined]
    assert f"adapter {joined}" in found["parameters"]
    assert f"adapter {founder}" not in found["parameters"]
    assert len(found["losses"]) == 2

"""The models and parts that ship: they work, and what they say came through the message."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from latentwire.catalog import PRETRAINED_DIR, SHIPPED_MODELS, available_models
from latentwire.checkpoint import SPACES_DIR, Part, shipped_parts
from latentwire.errors import CheckpointError
from latentwire.evaluation import run_evaluation
from latentwire.evaluation.predictions import encode_rows, shortened
from latentwire.evaluation.report import write_report
from latentwire.evaluation.rows import SplitRows
from latentwire.exchange import create_server
from latentwire.frozen import FrozenModel
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.training.dry_run import dry_run
from latentwire.training.estimate import estimate_time
from latentwire.training.recipe_file import load_recipe

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "training" / "recipes"
MAX_SHIPPED_BYTES = 12_000_000


@pytest.fixture(scope="module")
def sender() -> Sender:
    return Sender.from_pretrained("tiny-llama")


@pytest.fixture(scope="module")
def receiver() -> Receiver:
    return Receiver.from_pretrained("tiny-qwen")


def test_what_ships_fits() -> None:
    sizes = [path.stat().st_size for path in PRETRAINED_DIR.rglob("*") if path.is_file()]
    assert sum(sizes) <= MAX_SHIPPED_BYTES


def test_two_families_with_tokenizers_of_their_own() -> None:
    llama, qwen = (FrozenModel.load(name) for name in SHIPPED_MODELS)
    assert type(llama.model).__name__ == "LlamaForCausalLM"
    assert type(qwen.model).__name__ == "Qwen2ForCausalLM"
    assert (len(llama.tokenizer), len(qwen.tokenizer)) == (4096, 8192)
    thetas = [m.model.config.rope_parameters["rope_theta"] for m in (llama, qwen)]
    assert thetas == [500_000.0, 1_000_000.0]
    assert llama.hidden_size != qwen.hidden_size
    assert llama.num_layers != qwen.num_layers
    for frozen in (llama, qwen):
        text = "Janet has 16 ducks, “naïve” 語!\nShe sells 3."
        decoded = frozen.tokenizer.decode(frozen.tokenize([text])[0])
        assert decoded.strip() == text


def test_every_shipped_part_speaks_the_shipped_space() -> None:
    assert shipped_parts("encoder") == ["bytes", "minilm", "tiny-llama"]
    assert shipped_parts("adapter") == ["tiny-llama", "tiny-qwen"]
    fingerprints = {
        Part.load(folder, role).space.fingerprint
        for role in ("encoder", "adapter")
        for folder in (SPACES_DIR / "tiny-v1" / f"{role}s").iterdir()
    }
    assert len(fingerprints) == 1


def test_parts_refuse_other_weights(receiver: Receiver) -> None:
    frozen = FrozenModel.load("tiny-qwen")
    with torch.no_grad():
        next(iter(frozen.model.parameters()))[0, 0] += 1
    with pytest.raises(CheckpointError, match="with weights"):
        Receiver.from_pretrained("tiny-qwen", frozen=frozen)


def test_the_message_carries_the_answer_and_another_does_not(
    sender: Sender, receiver: Receiver, sample_data_dir: Path
) -> None:
    """The guard: accuracy through the message, gone with another example's message."""
    rows = SplitRows.load("ag_news", sample_data_dir, None)
    packets = sender.encode_batch(rows.texts)
    answers = receiver.ask_batch(packets, question=rows.task.question, choices=rows.task.choices)
    found = np.array([answer.index for answer in answers])
    own = float((found == rows.labels).mean())
    other = float((found[rows.others()] == rows.labels).mean())
    assert own > 0.65  # of four classes, 120 rows
    assert other < 0.42


def test_one_message_answers_different_receivers(sender: Sender) -> None:
    packet = sender.encode("a gorgeous , witty , seductive movie .")
    for name in shipped_parts("adapter"):
        answer = Receiver.from_pretrained(name).ask(
            packet, question="Sentiment:", choices=["negative", "positive"]
        )
        assert answer.choice == "positive"


def test_evaluation_keeps_its_records_and_resumes(
    sample_data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {
        "data_dir": sample_data_dir,
        "figures": ["text", "latent", "probes"],
        "senders": ["tiny-llama"],
        "tasks": ["sst2", "trec"],
        "limit": 40,
    }
    records = run_evaluation(tmp_path, **wanted)  # type: ignore[arg-type]
    figures = {record["figure"] for record in records}
    assert figures == {
        "text", "no message", "latent", "zero message", "other message", "joint", "probe",
    }  # fmt: skip
    assert all(record["accuracy"]["num_rows"] == 40 for record in records)

    def refuse(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr("latentwire.evaluation.predictions.answer_packets", refuse)
    monkeypatch.setattr("latentwire.evaluation.predictions.answer_texts", refuse)
    assert run_evaluation(tmp_path, **wanted) == records  # type: ignore[arg-type]
    targets = ROOT / "benchmarks" / "targets" / "first-slice.json"
    report = write_report(records, tmp_path, "latentwire eval", targets)
    assert "| tiny-llama to tiny-qwen |" in report
    assert "not measured" in report
    assert json.loads((tmp_path / "results.json").read_text())["records"]


def test_cutting_a_message_is_encoding_fewer_latents(sender: Sender, sample_data_dir: Path) -> None:
    rows = SplitRows.load("trec", sample_data_dir, 3)
    for text, packet in zip(rows.texts, encode_rows(sender, rows, lambda _: None), strict=True):
        cut = shortened(packet, 2, "int8").decode().latents
        direct = sender.encode(text, k=2).decode().latents
        np.testing.assert_allclose(cut, direct, atol=0.05)  # a code apart where rounding ties


LARGE = {
    "meta-llama/Llama-3.1-8B": 8_030_261_248,
    "Qwen/Qwen2.5-7B": 7_615_616_512,
    "mistralai/Mistral-7B-v0.3": 7_248_023_552,
}


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*_to_*.yaml")), ids=lambda path: path.stem)
def test_recipes_of_large_models_pass_a_dry_run(path: Path) -> None:
    recipe = load_recipe(path)
    found = dry_run(recipe, recipe.stages[0])
    assert found["shapes"]["latents"] == [2, 32, 256]
    sizes = {n.removeprefix("frozen "): s for n, s in found["parameters"].items() if "/" in n}
    assert len(sizes) == 3  # sender, receiver and its adapter
    assert {name: LARGE[name] for name in sizes.keys() & LARGE} == {
        name: size for name, size in sizes.items() if name in LARGE
    }
    assert all(np.isfinite(found["losses"]))
    plan = found["plan"]
    assert (plan["processes"], plan["rows a pass"], plan["learning rate"]) == (4, 4, 1e-4)
    assert found["memory_gib"]["peak"] < 80
    # Four rows are bound by launches, 84 and 85 ms where it was measured.
    assert 0.07 < found["time"]["seconds a step"] < 0.1
    larger = recipe.stages[0].model_copy(update={"batch_size": 4096})  # bound by arithmetic
    once, twice = (
        estimate_time(recipe, larger, processes)["seconds a step"] for processes in (8, 4)
    )
    assert twice == pytest.approx(2 * once, rel=0.01)


def test_every_pair_of_large_models_has_a_recipe_in_both_directions() -> None:
    pairs = {
        (load_recipe(path).stages[0].sender, load_recipe(path).receivers[0])
        for path in RECIPES.glob("*_to_*.yaml")
    }
    assert pairs == set(itertools.permutations(LARGE, 2))


@pytest.mark.skipif("minilm" not in available_models(), reason="needs latentwire[minilm]")
def test_a_model_of_another_maker_speaks_the_same_space(receiver: Receiver) -> None:
    packet = Sender.from_pretrained("minilm").encode("when was ozzy osbourne born ?")
    answer = receiver.ask(
        packet, question="Question type:", choices=["human", "location", "number"]
    )
    assert answer.choice == "number"


def test_the_readmes_first_snippet_runs_as_it_stands(receiver: Receiver) -> None:
    readme = (ROOT / "README.md").read_text()
    snippet = readme.split("```python")[1].split("```")[0]
    with create_server(None, receiver, "127.0.0.1:0") as host:
        assert "127.0.0.1:50051" in snippet
        here = snippet.replace("127.0.0.1:50051", host.address)
        done = subprocess.run(
            [sys.executable, "-c", here], capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("positive 0.")


def test_the_demonstration_ends_with_its_summary() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "latentwire", "demo", "--rows", "4", "--json"],
        capture_output=True,
        timeout=200,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found)[-1] == "summary"
    summary = found["summary"]
    assert set(summary["accuracy"]) == {
        "latent", "text", "text_relay", "no_message", "other_message",
    }  # fmt: skip
    assert set(summary["bytes"]) == {"packet", "text"}
    assert set(summary["latency_ms"]) == {"latent", "text", "text_relay"}
    assert len(found["rows"]) == 8
    assert found["about"]["command"] == "`latentwire demo --rows 4 --json`"
    assert set(found["about"]) == {"command", "date", "commit", "machine", "versions"}


def test_the_demonstration_takes_a_visitors_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "latentwire", "demo", "--text", "an awful, boring film"],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert "an awful, boring film" in done.stdout
    assert "negative" in done.stdout
    assert "packet took" in done.stdout

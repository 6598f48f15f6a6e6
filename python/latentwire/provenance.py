"""What figures were computed with: processor, versions, commit, date, command."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from pathlib import Path

from latentwire.message import __version__


def describe_run(command: str) -> dict[str, str]:
    """Command, date, commit, machine, and versions, each as one line of text."""
    import torch  # a program that only asks a host has no need of it before it is done

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return {
        "command": f"`{command}`",
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "commit": _commit(),
        "machine": f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {accelerator}",
        "versions": f"latentwire {__version__}, torch {torch.__version__} "
        f"({torch.get_num_threads()} threads), Python {platform.python_version()}",
    }


def _commit() -> str:
    """The commit of this code, marked if files differ from it; ``unknown`` outside of git."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10"],  # noqa: S607 - whichever git
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _processor() -> str:
    """Name of the processor, as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()

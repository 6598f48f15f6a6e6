"""Host processes on loopback, started for a demonstration and stopped with it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from latentwire.errors import LatentwireError


@contextmanager
def host_processes(commands: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """Run ``latentwire host`` once per argument list, all at once, and give their addresses.

    Raises:
        LatentwireError: If a host ends before it is ready; the text holds its last words.
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
    """Wait for the line in which a host says that it is ready."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        _, words = process.communicate()
        last = words.strip().splitlines()[-1:] or ["it said nothing"]
        raise LatentwireError(f"a host process ended before it was ready: {last[0]}")
    address: str = json.loads(line)["address"]
    return address

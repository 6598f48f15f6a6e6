"""What a command cannot do it says in one line, before a model is loaded for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
import torch

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}

_LIGHT = """
import sys
sys.argv[0] = "latentwire"
from latentwire.cli import main
try:
    main()
finally:
    assert "torch" not in sys.modules, "torch was loaded first"
"""


def refused(code: int, *arguments: str, light: bool = True, stdin: bytes = b"") -> str:
    """The lines of a command that is refused with this exit code; a light one loads no torch."""
    start = ["-c", _LIGHT] if light else ["-m", "latentwire"]
    done = subprocess.run(
        [sys.executable, *start, *arguments],
        input=stdin,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=120,
    )
    shown = done.stderr.decode()
    assert done.returncode == code, shown
    assert done.stdout == b""
    first, *others = shown.splitlines()
    assert first.startswith("error: "), shown
    assert len(others) <= 1, shown
    assert all(line.startswith("hint: ") for line in others), shown
    return shown


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_device_that_is_not_here() -> None:
    assert "expected cpu" in refused(2, "encode", "--text", "a", "--device", "cuda", light=False)
    listen = ("--listen", "127.0.0.1:0", "--device", "foo")
    assert "no device 'foo'" in refused(2, "host", *listen, light=False)


def test_a_listener_on_no_address() -> None:
    assert "expected address:port" in refused(2, "host", "--listen", "nonsense")


def test_a_listener_on_a_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert f"{address}: the port is taken" in refused(1, "host", "--listen", address)


@pytest.mark.parametrize("address", ["127.0.0.1:99999", ":50951"])
def test_sending_to_no_address(address: str) -> None:
    good = "127.0.0.1:9"
    assert address in refused(2, "send", "--to", address, "--text", "a")
    assert address in refused(2, "send", "--to", good, "--via", address, "--text", "a")


@pytest.mark.parametrize("timeout", ["0", "-1", "nan"])
def test_sending_without_time(timeout: str) -> None:
    shown = refused(2, "send", "--to", "127.0.0.1:9", "--text", "a", "--timeout", timeout)
    assert "timeout must be" in shown


def test_bytes_is_a_sender() -> None:
    shown = refused(2, "encode", "--model", "nope", "--text", "a", light=False)
    assert "bytes as a sender" in shown
    for role in ("both", "receiver"):
        shown = refused(
            2, "host", "-m", "bytes", "--role", role, "--listen", "127.0.0.1:0", light=False
        )
        assert "'bytes' only sends" in shown
        assert "--role sender" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--text", " "], "the text is empty"),
        (["--text", "a", "--k", "0"], "--k must be at least 1"),
        (["--text", "a", "--scales", "rows"], "no scales are shared by 'rows'"),
        (["--text", "a", "--compression", "entropy"], "the entropy stage has no tables"),
    ],
)
def test_encoding_checks_before_it_loads(arguments: list[str], words: str) -> None:
    assert words in refused(2, "encode", *arguments)


def test_two_packets_from_one_stdin() -> None:
    assert "only one of the two" in refused(2, "diff", "-", "-", stdin=b"x")


@pytest.mark.parametrize(("options", "said"), [([], False), (["--verbose"], True)])
def test_the_hubs_retries_are_quiet(options: list[str], said: bool) -> None:
    code = (
        "import sys; sys.argv[0] = 'latentwire'\n"
        "from latentwire.cli import main\n"
        "def warn(*_):\n"
        "    from huggingface_hub.utils import logging\n"
        "    logging.get_logger().warning('once more')\n"
        "    sys.exit(3)\n"
        "import latentwire.cli.packets as packets\n"
        "packets.the_text = warn\n"
        "main()\n"
    )
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "HF_HUB_VERBOSITY"}
    done = subprocess.run(
        [sys.executable, "-c", code, *options, "encode", "--text", "a"],
        capture_output=True,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 3, done.stderr.decode()
    assert (b"once more" in done.stderr) == said

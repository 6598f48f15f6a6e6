"""Options of commands: one that would be ignored is refused, helps say what there is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import latentwire.exchange
import numpy as np
import pytest
from latentwire.cli import app
from latentwire.errors import HostUnreachableError, LatentwireError, UsageError
from latentwire.exchange import connect
from latentwire.message import Message, ModelRef, SpaceRef
from latentwire.sender import Sender
from typer.main import get_command
from typer.testing import CliRunner

SEND = ("send", "--to", "127.0.0.1:9")


def refused(kind: type[LatentwireError], *arguments: str) -> LatentwireError:
    """The error with which a command ends; nothing was printed before."""
    done = CliRunner().invoke(app, arguments)
    assert type(done.exception) is kind, done.exception or done.output
    assert isinstance(done.exception, LatentwireError)
    assert done.output == ""
    return done.exception


@pytest.fixture
def packet_file(tmp_path: Path) -> str:
    path = tmp_path / "a.lwp"
    message = Message(
        latents=np.ones((2, 4), dtype=np.float32),
        sender=ModelRef(name="a", fingerprint=bytes(16)),
        space=SpaceRef(name="b", fingerprint=bytes(16)),
    )
    path.write_bytes(bytes(message.encode()))
    return str(path)


@pytest.fixture
def no_models(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(Sender, "from_pretrained", refuse)


# -- options that do not apply ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--encoding", "int8"),  # its default: that it was given counts, not what it says
        ("--compression", "zstd"),
        ("--k", "2"),
        ("--model", "tiny-llama"),
        ("--encoder", "folder"),
        ("--device", "cpu"),
        ("--via", "127.0.0.1:8"),
    ],
)
def test_a_packet_is_sent_as_it_is(packet_file: str, option: str, value: str) -> None:
    error = refused(UsageError, *SEND, "--packet", packet_file, option, value)
    assert str(error).startswith(f"{option} says how a text is encoded")
    assert f"leave out {option}" in str(error.hint)


def test_a_short_option_is_named_by_its_long_form(packet_file: str) -> None:
    error = refused(UsageError, *SEND, "--packet", packet_file, "-m", "bytes")
    assert str(error).startswith("--model ")


@pytest.mark.parametrize("option", ["--model", "--encoder", "--device"])
def test_what_encodes_here_does_not_go_with_via(option: str) -> None:
    error = refused(UsageError, *SEND, "--text", "a", "--via", "127.0.0.1:8", option, "x")
    assert str(error).startswith(f"{option} is for encoding here")


def test_nothing_is_written_beside_choices() -> None:
    arguments = ("--text", "a", "--choices", "a,b", "--max-new-tokens", "3")
    assert str(refused(UsageError, *SEND, *arguments)).startswith("--max-new-tokens is for")


@pytest.mark.parametrize("count", ["0", "513"])
def test_a_number_of_tokens_that_no_host_writes(count: str) -> None:
    error = refused(UsageError, *SEND, "--text", "a", "--max-new-tokens", count)
    assert "max_new_tokens must be at " in str(error)


def test_hosts_take_no_tables_so_send_does_not_offer_their_stage() -> None:
    done = CliRunner().invoke(app, [*SEND, "--text", "a", "--compression", "entropy"])
    assert done.exit_code == 2
    assert "'none', 'zstd', 'auto'" in done.output


# -- before a model is loaded ----------------------------------------------------------------------


@pytest.mark.usefixtures("no_models")
def test_hosts_are_there_before_a_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latentwire.exchange, "connect", partial(connect, connect_timeout=0.2))
    error = refused(HostUnreachableError, *SEND, "--text", "a")
    assert "127.0.0.1:9" in str(error)


@pytest.mark.usefixtures("no_models")
def test_an_output_can_be_written_before_a_model_is_loaded(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.touch(mode=0o400)
    outputs = [("/nonexistent/x", "there is no folder /nonexistent"), (str(tmp_path), "a folder")]
    if os.geteuid() != 0:  # to whom nothing is locked
        outputs.append((str(locked), "Permission denied"))
    for output, words in outputs:
        error = refused(UsageError, "encode", "--text", "a", "--output", output)
        assert str(error).startswith(f"cannot write {output}: ")
        assert words in str(error)
    assert list(tmp_path.iterdir()) == [locked]  # asking creates nothing


# -- hints -----------------------------------------------------------------------------------------


def test_a_text_in_the_place_of_its_file() -> None:
    for text in ("hello world", "hello " * 2000):
        error = refused(UsageError, "encode", text)
        assert "cannot read hello" in str(error)
        assert "--text" in str(error.hint)


def test_a_file_that_is_there_is_no_text(tmp_path: Path) -> None:
    assert refused(UsageError, "encode", str(tmp_path)).hint is None  # it is a folder


def test_one_answer_is_no_choice() -> None:
    done = CliRunner().invoke(app, [*SEND, "--text", "a", "--choices", "negative"])
    assert isinstance(done.exception, UsageError)
    assert "found 1: 'negative'" in str(done.exception)
    assert "separate answers by commas" in str(done.exception.hint)


# -- helps -----------------------------------------------------------------------------------------


def commands(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, part in getattr(command, "commands", {}).items():
        yield from commands(part, *path, name)


COMMANDS = dict(commands(get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "latentwire")
def test_no_help_loses_brackets(path: tuple[str, ...]) -> None:
    """Rich takes a word in brackets for markup, and says nothing, unless a backslash is before."""
    command = COMMANDS[path]
    texts = [command.help, *(getattr(part, "help", None) for part in command.params)]
    written = [text.replace("\\[", "[") for text in texts if text]
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"}).output
    for text in written:
        for word in re.findall(r"\[\S*?\]", text):
            assert word in shown


def helped(*path: str) -> str:
    """A command's help, without the lines of its table and the ends of its lines."""
    return re.sub(r"[\s│]+", " ", CliRunner().invoke(app, [*path, "--help"]).output)


def test_helps_say_what_happens() -> None:
    assert "latentwire[bench]" in helped("bench", "wire")
    assert "Rows of each tensor to keep at most" in helped("truncate")
    assert "[default: text]" in helped("train")
    demo = helped("demo")
    assert "default all" not in demo
    assert "None: generate" not in demo
    assert "[default: negative,positive]" in demo

"""The demonstration: what is refused before a host starts, what a failed one says, the control."""

from __future__ import annotations

import io
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from latentwire.answer import Answer
from latentwire.cli import app
from latentwire.demo import hosts
from latentwire.demo.hosts import host_error, host_processes
from latentwire.demo.run import RowResult, run_demo
from latentwire.demo.samples import NUM_PER_TASK, Sample, load_samples
from latentwire.demo.table import print_next_steps
from latentwire.errors import ChoicesError, LatentwireError, ModelNotFoundError, UsageError
from rich.console import Console
from typer.main import get_command
from typer.testing import CliRunner


class EchoHost:
    """Encodes a text as its own bytes; notes what it is asked about."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def encode(self, text: str, **_: Any) -> bytes:
        return text.encode()

    def generate_text(self, text: str, **_: Any) -> str:
        return text

    def ask(self, packet: bytes, *, choices: Sequence[str], **_: Any) -> Answer:
        self.heard.append(bytes(packet).decode())
        return Answer.from_scores(choices, [0.0] * len(choices))

    def ask_text(self, text: str, *, choices: Sequence[str], **_: Any) -> Answer:
        return Answer.from_scores(choices, [0.0] * len(choices))

    def ask_nothing(self, *, choices: Sequence[str], **_: Any) -> Answer:
        return Answer.from_scores(choices, [0.0] * len(choices))


def controls(samples: Sequence[Sample]) -> tuple[list[str], list[RowResult]]:
    """The texts whose messages are the controls of the samples, and the demonstration's rows."""
    host: Any = EchoHost()
    rows = list(run_demo(host, [host], samples))
    # After the warm-up each sample is asked twice: by the control, then by its own message.
    assert host.heard[2::2] == [sample.text for sample in samples]
    return host.heard[1::2], rows


def own(text: str) -> Sample:
    return Sample("yours", text, None, ("negative", "positive"), None)


def test_all_samples_are_counted() -> None:
    assert len(load_samples(NUM_PER_TASK)) == len(load_samples(1000)) == 2 * NUM_PER_TASK


def test_the_control_is_the_next_sample_of_the_task() -> None:
    samples = load_samples(3)
    sst2, ag_news = ([s.text for s in samples if s.task == task] for task in ("sst2", "ag_news"))
    found, _ = controls(samples)
    assert found[0::2] == [*sst2[1:], sst2[0]]
    assert found[1::2] == [*ag_news[1:], ag_news[0]]


def test_the_control_of_a_lone_sample_is_a_shipped_one_of_its_task() -> None:
    samples = load_samples(1)
    found, rows = controls(samples)
    shipped = {sample.text: sample.task for sample in load_samples(NUM_PER_TASK)}
    assert [shipped[text] for text in found] == ["sst2", "ag_news"]
    assert not set(found) & {sample.text for sample in samples}
    assert all("other_message" in row.answers for row in rows)


@pytest.mark.parametrize("times", [1, 2])
def test_the_control_of_a_visitors_sentence_is_never_its_own(times: int) -> None:
    found, _ = controls([own("an awful, boring film")] * times)
    assert set(found) == {load_samples(1)[0].text}


def test_visitors_sentences_are_each_others_controls() -> None:
    found, _ = controls([own("awful"), own("lovely")])
    assert found == ["lovely", "awful"]


@pytest.fixture
def no_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a host was started")

    monkeypatch.setattr(hosts, "subprocess", SimpleNamespace(Popen=refuse))


@pytest.mark.usefixtures("no_hosts")
@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (["--sender", "tiny-qwen"], ModelNotFoundError, "no trained encoder for model 'tiny-qwen'"),
        (["--receiver", "tiny-qwen", "--receiver", "bytes"], ModelNotFoundError, "adapter"),
        (["--receiver", "owner/model"], ModelNotFoundError, "no trained adapter"),
        (["--sender", "no-such"], ModelNotFoundError, "no model named 'no-such'"),
        (["--k", "99"], UsageError, "k must be within 1..32, not 99"),
        (["--k", "0"], UsageError, "k must be within 1..32, not 0"),
        (["--text", "a", "--question", "?" * 5000], UsageError, "the question has 5,000 bytes"),
        (["--text", "a", "--choices", "good"], ChoicesError, "found 1: 'good'"),
        (["--choices", "negative,positive"], UsageError, "--choices belongs to a sentence of your"),
        (["--question", "Q"], UsageError, "--question belongs to a sentence of your own"),
        (["--text", "a", "--rows", "3"], UsageError, "--rows counts sentences that ship"),
    ],
)
def test_what_cannot_be_is_refused_before_a_host_is_started(
    arguments: list[str], kind: type[LatentwireError], words: str
) -> None:
    done = CliRunner().invoke(app, ["demo", *arguments])
    assert isinstance(done.exception, kind)
    assert words in str(done.exception)
    assert done.exception.exit_code == 2
    assert done.exception.hint
    assert done.output == ""


def test_the_next_steps_are_commands_and_fit_a_terminal() -> None:
    out = io.StringIO()
    print_next_steps(Console(file=out, width=200))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    commands = [line.split()[1] for line in lines if line.startswith("  latentwire ")]
    assert "inspect" in commands
    assert set(commands) <= set(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_reason_of_a_host_is_told_with_its_hint() -> None:
    words = "a library warns\nerror: no trained adapter\nhint: take another\n"
    misuse, failure = host_error(words, 2), host_error(words, 1)
    assert (type(misuse), type(failure)) == (UsageError, LatentwireError)
    for error in (misuse, failure):
        assert str(error) == "a host process ended before it was ready: no trained adapter"
        assert error.hint == "take another"


@pytest.mark.parametrize(
    ("words", "reason"),
    [("", "it said nothing"), ("Traceback\n  at\nKeyError: 3\n", "KeyError: 3")],
)
def test_a_host_that_gives_no_reason_is_quoted(words: str, reason: str) -> None:
    error = host_error(words, 1)
    assert str(error).endswith(f"before it was ready: {reason}")
    assert (error.hint, error.exit_code) == (None, 1)


def test_a_host_that_refuses_is_an_error_of_the_client() -> None:
    with (
        pytest.raises(UsageError, match="ready: no model named 'no-such'") as caught,
        host_processes([["--model", "no-such"]]),
    ):
        pytest.fail("nobody is ready")
    assert "available here" in str(caught.value.hint)

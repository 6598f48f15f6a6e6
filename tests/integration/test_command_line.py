"""The command as people run it: real processes, exit codes, one clear line, data on stdout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from latentwire.message import Packet
from random_models import RandomModel

TEXT = "a gorgeous , witty , seductive movie ."
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "latentwire", *arguments],
        input=stdin,
        capture_output=True,
        env=ENVIRONMENT,
        timeout=120,
    )


def assert_refused(done: subprocess.CompletedProcess[bytes], code: int, *words: str) -> None:
    """One line ``error: ...``, perhaps one ``hint: ...``, nothing on stdout, the exit code."""
    lines = done.stderr.decode().splitlines()
    assert done.returncode == code, lines
    assert done.stdout == b""
    assert lines[0].startswith("error: "), lines
    assert len(lines) <= 2, lines
    assert all(line.startswith("hint: ") for line in lines[1:]), lines
    for word in words:
        assert word in " ".join(lines)


@pytest.fixture(scope="module")
def hosts(random_llama: RandomModel, random_qwen: RandomModel) -> Iterator[list[str]]:
    """Addresses of two host processes that both send and receive."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "latentwire", "host", "--json", "--listen", "127.0.0.1:0",
             "--threads", "1", "--model", made.model, "--encoder", made.encoder,
             "--adapter", made.adapter],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
        )
        for made in (random_llama, random_qwen)
    ]  # fmt: skip
    try:
        ready = [json.loads(process.stdout.readline()) for process in processes]  # type: ignore[union-attr]
        assert [host["roles"] for host in ready] == [["sender", "receiver"]] * 2
        yield [host["address"] for host in ready]
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        codes = []
        for process in processes:
            process.communicate(timeout=30)
            codes.append(process.returncode)
        assert codes == [0, 0]  # told to stop, they stop in order


@pytest.fixture(scope="module")
def packet_file(random_llama: RandomModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packets") / "message.lwp"
    done = run(
        "encode", "--model", random_llama.model, "--encoder", random_llama.encoder,
        "--text", TEXT, "--output", str(path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return path


def test_send_a_text_through_a_sending_host(hosts: list[str]) -> None:
    done = run(
        "send", "--via", hosts[0], "--to", hosts[1], "--text", TEXT,
        "--choices", "negative,positive", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["answer"] in ("negative", "positive")
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    assert found["bytes"] > 6 * 32


def test_joint_answer_of_two_hosts_is_the_product(hosts: list[str], packet_file: Path) -> None:
    def probabilities(*to: str) -> dict[str, float]:
        arguments = [part for address in to for part in ("--to", address)]
        done = run(
            "send", *arguments, "--packet", str(packet_file), "--choices", '["no", "yes"]', "--json"
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, float] = json.loads(done.stdout)["probabilities"]
        return found

    one, other, joint = probabilities(hosts[0]), probabilities(hosts[1]), probabilities(*hosts)
    product = {choice: one[choice] * other[choice] for choice in one}
    for choice, value in joint.items():
        assert value == pytest.approx(product[choice] / sum(product.values()), rel=1e-4)


def test_send_without_choices_generates(hosts: list[str], packet_file: Path) -> None:
    done = run("send", "--to", hosts[1], "--packet", str(packet_file), "--max-new-tokens", "3")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(b"\n")


def test_packets_in_pipes(random_llama: RandomModel, tmp_path: Path) -> None:
    encoded = run(
        "encode", "-", "--model", random_llama.model, "--encoder", random_llama.encoder,
        "--k", "2", "--encoding", "f16", stdin=TEXT.encode(),
    )  # fmt: skip
    assert encoded.returncode == 0, encoded.stderr
    packet = Packet.from_bytes(encoded.stdout)
    assert (packet.shape, packet.encoding) == ((2, 32), "f16")
    decoded = json.loads(run("decode", "-", stdin=encoded.stdout).stdout)
    assert decoded["shape"] == [2, 32]
    target = tmp_path / "latents.npy"
    assert run("decode", "-", "-o", str(target), stdin=encoded.stdout).returncode == 0
    np.testing.assert_allclose(np.load(target), decoded["latents"])


def test_inspect_for_a_person_and_for_a_program(packet_file: Path) -> None:
    shown = run("inspect", str(packet_file))
    assert shown.returncode == 0, shown.stderr
    for word in ("format", "sender", "space", "random-v1", "6 x 32, int8", "checksum right"):
        assert word in shown.stdout.decode()
    found = json.loads(run("inspect", str(packet_file), "--json").stdout)
    assert found["bytes"]["packet"] == packet_file.stat().st_size
    assert found["space"]["name"] == "random-v1"


def test_diff_says_what_is_different(packet_file: Path, tmp_path: Path) -> None:
    shorter = tmp_path / "shorter.lwp"
    done = run("truncate", str(packet_file), "--k", "2", "--output", str(shorter))
    assert done.returncode == 0, done.stderr
    same = json.loads(run("diff", str(packet_file), str(packet_file), "--json").stdout)
    assert same["equal"]
    assert not same["differing"]
    found = json.loads(run("diff", str(packet_file), str(shorter), "--json").stdout)
    assert not found["equal"]
    assert found["differing"]["shape"] == [[6, 32], [2, 32]]
    assert found["tensors"][""]["rows"] == 2
    assert found["tensors"][""]["largest_error"] == 0
    shown = run("diff", str(packet_file), str(shorter)).stdout.decode()
    assert "cosine 1.000000" in shown
    assert "equal" in run("diff", str(packet_file), str(packet_file)).stdout.decode()


def test_unknown_model_lists_what_there_is() -> None:
    for command in (["host", "--model", "tiny-lama"], ["encode", "-m", "tiny-lama", "--text", "a"]):
        assert_refused(run(*command), 2, "tiny-lama", "available here")


def test_taken_port(hosts: list[str], random_qwen: RandomModel) -> None:
    done = run(
        "host", "--model", random_qwen.model, "--adapter", random_qwen.adapter,
        "--listen", hosts[0],
    )  # fmt: skip
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert any(line.startswith(f"error: cannot listen on {hosts[0]}") for line in lines), lines


def test_nobody_at_the_address(packet_file: Path) -> None:
    done = run("send", "--to", "127.0.0.1:9", "--packet", str(packet_file), "--choices", "a,b")
    assert_refused(done, 1, "127.0.0.1:9", "latentwire host")


@pytest.mark.parametrize(
    ("choices", "word"), [("a,", "empty"), ("a,b,a", "repeats"), ("a", "found 1"), ("[a", "JSON")]
)
def test_bad_choices_cost_nothing(choices: str, word: str) -> None:
    done = run("send", "--to", "127.0.0.1:9", "--text", TEXT, "--choices", choices)
    assert_refused(done, 2, word)


@pytest.mark.parametrize(("text", "word"), [("  ", "empty"), (None, "65,536")])
def test_bad_texts_cost_nothing(text: str | None, word: str) -> None:
    stdin = b"x" * 1_000_000
    source = ["-"] if text is None else ["--text", text]
    assert_refused(run("encode", *source, stdin=stdin), 2, word)


def test_bad_packets(packet_file: Path, hosts: list[str]) -> None:
    data = packet_file.read_bytes()
    flipped = bytes([*data[:40], data[40] ^ 1, *data[41:]])
    for bad, word in ((data[:-1], "cut short"), (flipped, "checksum"), (b"hello", "not a latent")):
        assert_refused(run("inspect", "-", stdin=bad), 1, word)
        done = run("send", "--to", hosts[0], "--packet", "-", "--choices", "a,b", stdin=bad)
        assert_refused(done, 1, word)


def test_a_checkpoint_folder_without_its_file(random_qwen: RandomModel, tmp_path: Path) -> None:
    done = run(
        "host", "--model", random_qwen.model, "--adapter", str(tmp_path), "--listen", "127.0.0.1:0"
    )
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert any("part.json" in line for line in lines if line.startswith("error: ")), lines


def test_misuse_of_options_exits_with_2() -> None:
    assert run("send").returncode == 2
    assert run("encode", "--text", "a", "--encoding", "int3").returncode == 2
    assert run("no-such-command").returncode == 2


def test_help_and_version_are_quick_and_load_no_torch() -> None:
    code = (
        "import sys; sys.argv = ['latentwire', '--version']\n"
        "from latentwire.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'grpc', 'transformers'} & set(sys.modules), 'heavy import'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("latentwire 0.")

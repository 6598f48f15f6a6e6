"""The benchmark's own arithmetic: no test asserts a time."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
from typing import Any

import numpy as np
import pytest
from latentwire.benchmark import cores, memory, wire
from latentwire.benchmark.codec import Codec, find_fault, missing_modules
from latentwire.benchmark.entropy import (
    Form,
    above_entropy,
    entropy_bytes,
    fsq_codes,
    symbols_of,
)
from latentwire.benchmark.ours import OURS, LatentwireInt8, LatentwireInt8OneScale, message_of
from latentwire.benchmark.peers import (
    PEERS,
    Msgpack,
    NumpyInt8Zstd,
    Safetensors,
    TorchSaveBase64Bf16,
)
from latentwire.benchmark.report import rows_table, value_text
from latentwire.benchmark.rows import Row, at_least, at_most
from latentwire.benchmark.sealed import accepted_and_refused
from latentwire.benchmark.timing import Timing, one_core, speedup, time_together
from latentwire.benchmark.wire import INSTALL, Measured, Setting, measure, peer_rows, run_wire
from latentwire.cli import app
from latentwire.errors import UsageError
from rich.console import Console
from typer.testing import CliRunner

LATENTS = np.random.default_rng(1).standard_normal((32, 256), dtype=np.float32)
QUICK = Setting(repeat=2)
MICROSECOND = 1e-6


def measured(encode: float, decode: float, size: int) -> Measured:
    """What took so many microseconds at best, and twice as many otherwise."""
    return Measured(
        Timing((2 * encode * MICROSECOND, encode * MICROSECOND, 2 * encode * MICROSECOND)),
        Timing((decode * MICROSECOND,)),
        size,
    )


def by_name(rows: list[Row]) -> dict[str, Row]:
    named = {row.name: row for row in rows}
    assert len(named) == len(rows), "two rows of one name"
    return named


class Absent(Codec):
    name = "absent f16"
    needs = ("a_module_that_nobody_has",)

    def __init__(self) -> None:
        raise AssertionError("made without its module")

    def encode(self, prepared: Any) -> Any: ...

    def decode(self, data: Any) -> Any: ...


class Flat(Codec):
    """Loses the shape."""

    name = "flat f16"

    def encode(self, prepared: Any) -> bytes:
        return bytes(prepared.tobytes())

    def decode(self, data: bytes) -> Any:
        return np.frombuffer(data, np.float16)


class Lossy(Flat):
    """Keeps the shape and loses the numbers."""

    name = "lossy f16"

    def decode(self, data: bytes) -> Any:
        return np.zeros_like(LATENTS)


class Broken:
    """A message whose packet is none."""

    def encode(self, *_: Any, **__: Any) -> bytes:
        return b"no packet"


class Poisoned(Flat):
    name = "poisoned f16"

    def decode(self, data: bytes) -> Any:
        return np.full_like(LATENTS, np.nan)


# --- rows


@pytest.mark.parametrize(
    ("target", "text", "met", "missed"),
    [(at_least(6), ">= 6", [6, 6.1], [5.99]), (at_most(0.5), "<= 0.5", [0.5, 0.1], [0.501])],
)
def test_target(target: Any, text: str, met: list[float], missed: list[float]) -> None:
    assert str(target) == text
    assert all(Row("figure", value, "x", target).ok is True for value in met)
    assert all(Row("figure", value, "x", target).ok is False for value in missed)


def test_row_as_json() -> None:
    row = Row("encode, times as fast", 7.5, "x", at_least(6), note="for people")
    assert row.to_json() == {
        "name": "encode, times as fast",
        "value": 7.5,
        "unit": "x",
        "target": ">= 6",
        "ok": True,
    }


@pytest.mark.parametrize("target", [None, at_least(6)])
def test_row_without_a_value_is_neither_met_nor_missed(target: Any) -> None:
    row = Row("encode", None, "us", target, "not installed")
    assert row.ok is None
    assert row.to_json()["value"] is None
    assert value_text(row) == "-"


def test_table_shows_every_row() -> None:
    rows = [
        Row("encode", 1234.56, "us", note="median 2,000.0"),
        Row("ratio", 7.5, "x", at_least(6)),
        Row("share", 0.75, "x", at_most(0.5)),
        Row("encode peer", None, "us", note=INSTALL),
    ]
    out = io.StringIO()
    Console(file=out, width=160).print(rows_table(rows, "a caption"))
    text = out.getvalue()
    for word in ("1,234.6", "7.50", "met", "missed", ">= 6", INSTALL, "a caption"):
        assert word in text


# --- timing


def test_timing() -> None:
    ours, theirs = Timing((3.0, 1.0, 2.0)), Timing((9.0, 4.0, 8.0))
    assert (ours.best, ours.median) == (1.0, 2.0)
    assert speedup(ours, theirs) == 4.0


def test_calls_take_turns() -> None:
    order: list[str] = []
    calls = {name: (lambda name=name: order.append(name)) for name in "abc"}
    timings = time_together(calls, repeat=4)
    assert {name: len(timing.samples) for name, timing in timings.items()} == dict.fromkeys(
        "abc", 4
    )
    assert all(sample > 0 for timing in timings.values() for sample in timing.samples)
    turns = "".join(name for name, _ in itertools.groupby(order))
    assert turns == "abc" + "abc" + "bca" + "cab" + "abc"  # probes, then rounds


def test_nothing_to_time() -> None:
    assert time_together({}, repeat=3) == {}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity on this system")
def test_one_core_gives_the_cores_back() -> None:
    before = os.sched_getaffinity(0)
    with one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


# --- codecs


@pytest.mark.parametrize(
    "codec", [*OURS, *PEERS, TorchSaveBase64Bf16], ids=lambda codec: codec.name
)
def test_every_contestant_delivers(codec: type[Codec]) -> None:
    if missing_modules(codec):
        pytest.skip(f"{codec.needs} not installed")
    assert find_fault(codec(), LATENTS) is None


def test_names_are_distinct() -> None:
    names = [codec.name for codec in (*OURS, *PEERS)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("codec", "words"),
    [(Flat, "shape (8192,)"), (Lossy, "relative error of 1"), (Poisoned, "error of nan")],
)
def test_what_delivers_something_else_is_not_timed(codec: type[Codec], words: str) -> None:
    found, absent = measure([(codec, LATENTS)], QUICK)
    assert found == {}
    assert words in absent[codec.name]


def test_missing_peer_is_a_row_that_says_what_to_install() -> None:
    found, absent = measure([(Absent, LATENTS), (LatentwireInt8, LATENTS)], QUICK)
    assert set(found) == {LatentwireInt8.name}
    row = by_name(peer_rows(found, absent))["encode absent f16"]
    assert (row.value, row.note) == (None, "not installed: pip install 'latentwire[bench]'")


# --- figures


def test_ratios_to_peers() -> None:
    rows = by_name(
        peer_rows(
            {
                LatentwireInt8.name: measured(4, 2, 8_000),
                LatentwireInt8OneScale.name: measured(4, 2, 7_200),
                Safetensors.name: measured(6, 3, 16_000),
                NumpyInt8Zstd.name: measured(20, 30, 7_000),
                Msgpack.name: measured(2, 1, 16_400),
            },
            {},
        )
    )
    assert rows["encode latentwire int8"].value == pytest.approx(4)
    assert rows["encode latentwire int8"].note == "median 8.0"
    assert rows["decode latentwire int8"].value == pytest.approx(2)
    assert rows["bytes latentwire int8"].value == 8_000
    held = {
        name: (row.value, str(row.target), row.ok)
        for name, row in rows.items()
        if row.target is not None
    }
    assert held == {
        "encode int8, times as fast as safetensors f16": (pytest.approx(1.5), ">= 1", True),
        "bytes int8, share of safetensors f16": (0.5, "<= 0.5", True),
        "bytes int8 one scale, share of safetensors f16": (0.45, "<= 0.5", True),
        "encode int8, times as fast as numpy int8 zstd-1": (pytest.approx(5), ">= 6", False),
        "stretch: encode int8, times as fast as msgpack f16": (pytest.approx(0.5), ">= 1", False),
    }


def test_ratio_to_a_missing_peer_has_no_value() -> None:
    found = {LatentwireInt8.name: measured(4, 2, 8_000), Safetensors.name: measured(6, 3, 16_000)}
    rows = by_name(peer_rows(found, {Msgpack.name: INSTALL, NumpyInt8Zstd.name: INSTALL}))
    row = rows["encode int8, times as fast as numpy int8 zstd-1"]
    assert (row.value, row.ok) == (None, None)
    assert NumpyInt8Zstd.name in row.note
    assert rows["encode int8, times as fast as safetensors f16"].ok is True


def test_ratios_to_a_soft_prompt() -> None:
    rows = by_name(
        wire.soft_prompt_rows(
            {
                LatentwireInt8.name: measured(4, 2, 8_000),
                TorchSaveBase64Bf16.name: measured(400, 600, 352_000),
            },
            {},
        )
    )
    assert rows["bytes int8, times smaller than a soft prompt"].value == 44
    assert rows["encode int8, times faster than a soft prompt"].value == pytest.approx(100)
    decode = rows["decode int8, times faster than a soft prompt"]
    assert decode.value == pytest.approx(300)
    assert decode.target is None


def test_compact_overhead_is_counted_from_the_packet() -> None:
    rows = run_wire(QUICK, ["compact"])
    assert len(rows) == 2
    for row in rows:
        assert row.ok is True
        assert row.value is not None
        assert row.value >= 4 + 4  # at least a checksum and a message number


def test_ratio_of_one_thread_to_two() -> None:
    on_one, on_two = Timing((4096 * 6 * MICROSECOND,)), Timing((4096 * 3 * MICROSECOND,))
    one, two, ratio = wire.batch_rows(on_one, on_two, cores=2)
    assert (one.value, two.value) == (pytest.approx(6), pytest.approx(3))
    assert (ratio.value, ratio.ok) == (pytest.approx(2), True)
    *_, ratio = wire.batch_rows(on_one, on_two, cores=1)
    assert (ratio.value, ratio.ok, ratio.note) == (None, None, "there is one core")


def test_batch_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BATCH_SIZE", 8)
    rows = run_wire(QUICK, ["batch"])
    assert [row.unit for row in rows] == ["us", "us", "x", "x"]
    assert all(row.value is None or row.value > 0 for row in rows)


@pytest.mark.skipif(not memory.is_measurable(), reason="needs Linux's /proc")
def test_memory_counts_at_least_the_tensor() -> None:
    latents = np.ones((4096, 1024), np.float32)
    packet = bytes(wire.message_of(latents).encode("f32"))
    # The kernel counts a processor's pages in lots of 32, before and after: half a MiB less may be
    # seen on two of them, of 16.
    assert wire.memory.rise_while_decoding(packet) > 0.9 * latents.nbytes


@pytest.mark.skipif(not memory.is_measurable(), reason="needs Linux's /proc")
def test_packet_that_cannot_be_decoded_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LARGE_SHAPE", (2, 3))
    monkeypatch.setattr(wire, "message_of", lambda _: Broken())
    row = run_wire(QUICK, ["memory"])[0]
    assert row.value is None
    assert row.note.startswith("decoding failed: latentwire.errors.")


def test_memory_where_it_cannot_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "is_measurable", lambda: False)
    monkeypatch.setattr(wire, "LARGE_SHAPE", (2, 3))
    rows = run_wire(QUICK, ["memory"])
    assert rows
    assert all(row.value is None and row.target is not None and row.note for row in rows)


def test_latents_are_the_same_on_every_run() -> None:
    assert (QUICK.normal((2, 3)) == Setting(repeat=5).normal((2, 3))).all()


def test_unknown_figure() -> None:
    with pytest.raises(UsageError, match="no figure 'speed'") as caught:
        run_wire(QUICK, ["speed"])
    assert "peers" in str(caught.value.hint)


# --- the command


def test_json_is_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PEERS", (Safetensors, Absent))
    done = CliRunner().invoke(app, ["bench", "wire", "--json", "--repeat", "1", "--only", "peers"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert all(list(row) == ["name", "value", "unit", "target", "ok"] for row in rows)
    named = {row["name"]: row for row in rows}
    assert named["encode latentwire int8"]["value"] > 0
    assert named["bytes int8, share of safetensors f16"]["target"] == "<= 0.5"
    assert named["encode absent f16"]["value"] is None
    assert "pip install" in done.stderr


def test_table_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "FIGURES", {"one": lambda _: [Row("a figure", 2.5, "x")]})
    done = CliRunner().invoke(app, ["bench", "wire"])
    assert done.exit_code == 0, done.output
    assert "a figure" in done.stdout
    assert "2.50" in done.stdout


def test_entropy_is_that_of_the_columns() -> None:
    symbols = np.array([[[0, 0], [1, 0]], [[0, 0], [1, 1]]], np.uint8)
    # The first column is even between two symbols, one bit each; of the second three in four are 0.
    second = 3 * np.log2(4 / 3) + np.log2(4)
    assert entropy_bytes(symbols) == pytest.approx((4 + second) / 8)


def test_symbols_are_read_from_a_stored_packet() -> None:
    latents = np.array([[7, -7, 1], [3, 0, -3]], np.float32)
    packet = message_of(latents).encode("int4")
    assert symbols_of(packet).tolist() == [[14, 0, 8], [14, 7, 0]]


@pytest.mark.parametrize("form", ["int4", "fsq"])
def test_coded_messages_are_near_their_entropy(form: Form) -> None:
    latents = np.random.default_rng(1).standard_normal((40, 32, 64)).astype(np.float32)
    assert 0.9 < above_entropy(latents[:-8], latents[-8:], form) < 1.1


def test_seals_tell_honest_packets_from_altered_ones() -> None:
    latents = np.ones((2, 4), np.float32)
    assert accepted_and_refused(latents, 40, seed=1) == (40, 40)


def test_codes_of_fsq_are_the_nearest_levels() -> None:
    latents = np.arctanh(np.array([-0.99, -0.5, -0.26, -0.24, 0.0, 0.4, 0.99], np.float32))
    assert fsq_codes(latents).tolist() == [0, 1, 1, 2, 2, 3, 4]


def test_threads_share_the_blocks_that_are_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []

    def sha256(block: bytes) -> Any:
        hashed.append(len(block))
        return hashlib.blake2b(block)

    monkeypatch.setattr(cores, "BLOCKS", 6)
    monkeypatch.setattr("latentwire.benchmark.cores.sha256", sha256)
    for threads in (1, 2, 3):
        hashed.clear()
        cores.hashing(threads)()
        assert hashed == [len(cores.BLOCK)] * 6

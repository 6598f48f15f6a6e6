"""The figures of ``latentwire bench wire``.

A figure is a function from a `Setting` to its rows, entered in `FIGURES`. It measures through the
public interface, holds what it finds against the targets at the top of this file, and gives a row
without a value but with a note for what cannot be measured here.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwire.benchmark import memory
from latentwire.benchmark.codec import Codec, find_fault, missing_modules
from latentwire.benchmark.cores import hashing
from latentwire.benchmark.entropy import FREE_BYTES, above_entropy
from latentwire.benchmark.ours import (
    OURS,
    ROUTE,
    SENDER,
    SPACE,
    LatentwireInt8,
    LatentwireInt8OneScale,
    message_of,
)
from latentwire.benchmark.peers import (
    PEERS,
    Msgpack,
    NumpyInt8Zstd,
    Safetensors,
    TorchSaveBase64Bf16,
)
from latentwire.benchmark.rows import Row, Target, at_least, at_most
from latentwire.benchmark.sealed import accepted_and_refused
from latentwire.benchmark.timing import Timing, one_core, speedup, time_together
from latentwire.errors import UsageError
from latentwire.message import Codes, Compression, Encoding, Message
from latentwire.packet_encoder import PacketEncoder

__all__ = ["FIGURES", "Measured", "Setting", "measure", "peer_rows", "run_wire", "soft_prompt_rows"]

AGAINST_SAFETENSORS = at_least(1)
BYTES_OF_SAFETENSORS = at_most(0.5)
AGAINST_NUMPY_ZSTD = at_least(6)
AGAINST_MSGPACK = at_least(1)
SMALLER_THAN_SOFT_PROMPT = at_least(40)
FASTER_THAN_SOFT_PROMPT = at_least(50)
COMPACT_OVERHEAD = at_most(24)
ON_TWO_CORES = at_least(1.8)
MIB_BEYOND_THE_TENSOR = at_most(1)

ABOVE_ENTROPY = at_most(1.03)
SEALED = 10_000
ALL_SEALED = at_least(SEALED)

FITTED_MESSAGES = 256
SENT_MESSAGES = 16
SAMPLES_OF_A_TASK = 60
LATENTS_SHAPE = (32, 256)
"""The default message."""
SOFT_PROMPT_SHAPE = (32, 4096)
"""The same number of soft tokens at the width of an 8B model, which is what its receiver makes of
the message."""
BATCH_SIZE = 4096
LARGE_SHAPE = (4096, 1024)
"""As many numbers as the default limits let through."""

INSTALL = "not installed: pip install 'latentwire[bench]'"


@dataclass(frozen=True, slots=True)
class Setting:
    """How to measure.

    Attributes:
        repeat: Rounds of every timing.
        seed: Of the latents, which are normal, as encoders make them.
    """

    repeat: int = 200
    seed: int = 1

    def normal(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Latents of that shape, the same on every run."""
        return np.random.default_rng(self.seed).standard_normal(shape, dtype=np.float32)


Figure = Callable[[Setting], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one codec took for one message; paired with the others that were measured with it."""

    encode: Timing
    decode: Timing
    size: int


def measure(
    contestants: Sequence[tuple[type[Codec], NDArray[np.float32]]], setting: Setting
) -> tuple[dict[str, Measured], dict[str, str]]:
    """Check and time codecs against each other on one core.

    Args:
        contestants: Codecs, each with the latents that it sends.
        setting: How often.

    Returns:
        What was measured, by name, and why the others were not.
    """
    encodes: dict[str, Callable[[], object]] = {}
    decodes: dict[str, Callable[[], object]] = {}
    sizes: dict[str, int] = {}
    absent: dict[str, str] = {}
    for codec_class, latents in contestants:
        name = codec_class.name
        if missing_modules(codec_class):
            absent[name] = INSTALL
            continue
        codec = codec_class()
        fault = find_fault(codec, latents)
        if fault is not None:
            absent[name] = fault
            continue
        prepared = codec.prepare(latents)
        data = codec.encode(prepared)
        sizes[name] = len(data)
        encodes[name] = _bound(codec.encode, prepared)
        decodes[name] = _bound(codec.decode, data)
    with one_core():
        encoded = time_together(encodes, setting.repeat)
        decoded = time_together(decodes, setting.repeat)
    measured = {name: Measured(encoded[name], decoded[name], sizes[name]) for name in sizes}
    return measured, absent


def _bound(call: Callable[[Any], object], argument: Any) -> Callable[[], object]:
    return lambda: call(argument)


def _peers(setting: Setting) -> list[Row]:
    latents = setting.normal(LATENTS_SHAPE)
    return peer_rows(*measure([(codec, latents) for codec in (*OURS, *PEERS)], setting))


def peer_rows(measured: Mapping[str, Measured], absent: Mapping[str, str]) -> list[Row]:
    """Time and bytes of every codec, then what we are held to against three of them."""
    rows = []
    for name, found in measured.items():
        rows += _codec_rows(name, found)
    rows += [Row(f"encode {name}", None, "us", note=why) for name, why in absent.items()]

    def against(peer: type[Codec], target: Target, stretch: str = "") -> Row:
        name = f"{stretch}encode int8, times as fast as {peer.name}"
        return _compared(name, measured, LatentwireInt8, peer, target, _encode_speedup)

    rows.append(against(Safetensors, AGAINST_SAFETENSORS))
    for what, codec in (("int8", LatentwireInt8), ("int8 one scale", LatentwireInt8OneScale)):
        rows.append(
            _compared(
                f"bytes {what}, share of {Safetensors.name}",
                measured,
                codec,
                Safetensors,
                BYTES_OF_SAFETENSORS,
                lambda ours, theirs: ours.size / theirs.size,
            )
        )
    rows.append(against(NumpyInt8Zstd, AGAINST_NUMPY_ZSTD))
    rows.append(against(Msgpack, AGAINST_MSGPACK, "stretch: "))
    return rows


def _soft_prompt(setting: Setting) -> list[Row]:
    contestants: list[tuple[type[Codec], NDArray[np.float32]]] = [
        (LatentwireInt8, setting.normal(LATENTS_SHAPE)),
        (TorchSaveBase64Bf16, setting.normal(SOFT_PROMPT_SHAPE)),
    ]
    return soft_prompt_rows(*measure(contestants, setting))


def soft_prompt_rows(measured: Mapping[str, Measured], absent: Mapping[str, str]) -> list[Row]:
    """A message against the soft prompt that a serving engine would be sent in its stead."""
    theirs = TorchSaveBase64Bf16
    rows = []
    if theirs.name in measured:
        rows += _codec_rows(f"soft prompt 32x4096 {theirs.name}", measured[theirs.name])
    rows += [Row(f"encode soft prompt {name}", None, "us", note=absent[name]) for name in absent]

    def compared(
        what: str, target: Target | None, ratio: Callable[[Measured, Measured], float]
    ) -> Row:
        name = f"{what} than a soft prompt"
        return _compared(name, measured, LatentwireInt8, theirs, target, ratio)

    return [
        *rows,
        compared(
            "bytes int8, times smaller",
            SMALLER_THAN_SOFT_PROMPT,
            lambda ours, theirs: theirs.size / ours.size,
        ),
        compared("encode int8, times faster", FASTER_THAN_SOFT_PROMPT, _encode_speedup),
        compared(
            "decode int8, times faster",
            None,
            lambda ours, theirs: speedup(ours.decode, theirs.decode),
        ),
    ]


def _compact(setting: Setting) -> Iterable[Row]:
    """What a compact packet takes beside payload and scales, down to a message of four codes."""
    contents: dict[str, Message] = {
        "int8 32x256": message_of(setting.normal(LATENTS_SHAPE)),
        "4 codes": Message(
            latents=np.zeros(0, np.float32),
            tensors={"": Codes(np.arange(4, dtype=np.uint16), bytes(16), 256)},
            sender=SENDER,
            space=SPACE,
        ),
    }
    for name, message in contents.items():
        numbered = replace(message, message_id=ROUTE.message_id(0))
        packet = numbered.encode("int8", route=ROUTE)
        overhead = len(packet) - packet.payload_length
        yield Row(f"overhead of a compact packet of {name}", overhead, "bytes", COMPACT_OVERHEAD)


def _batch(setting: Setting) -> list[Row]:
    """One call for many messages, on one thread and on two. It is not kept on one core."""
    latents = setting.normal((BATCH_SIZE, *LATENTS_SHAPE))
    encoder = PacketEncoder(sender=SENDER, space=SPACE)

    def encode(threads: int) -> Callable[[], object]:
        return lambda: encoder.encode_many(latents, threads=threads)

    calls = {"1": encode(1), "2": encode(2), "hash 1": hashing(1), "hash 2": hashing(2)}
    # A batch takes as long as ten thousand single messages: a twentieth of the rounds is enough.
    timings = time_together(calls, max(1, setting.repeat // 20))
    most = speedup(timings["hash 2"], timings["hash 1"])
    return [
        *batch_rows(timings["1"], timings["2"], len(_cores())),
        Row("SHA-256 in the nearest cache, times as fast on two cores", most, "x"),
    ]


def batch_rows(on_one: Timing, on_two: Timing, cores: int) -> list[Row]:
    """Time a message on one thread and on two, and what the second brings."""
    name = f"encode {BATCH_SIZE:,} messages int8"
    ratio = Row(f"{name}, times as fast on two cores", None, "x", ON_TWO_CORES, "there is one core")
    if cores >= 2:
        ratio = replace(ratio, value=speedup(on_two, on_one), note="")
    return [
        _time_row(f"{name}, a message, one thread", on_one, BATCH_SIZE),
        _time_row(f"{name}, a message, two threads", on_two, BATCH_SIZE),
        ratio,
    ]


def _cores() -> Collection[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return range(os.cpu_count() or 1)


def _memory(setting: Setting) -> Iterable[Row]:
    forms: list[tuple[Encoding, Compression]] = [
        ("f32", "none"),
        ("int8", "none"),
        ("int8", "zstd"),
    ]
    latents = setting.normal(LARGE_SHAPE)
    for encoding, compression in forms:
        suffix = "" if compression == "none" else f" {compression}"
        name = f"memory of decoding {encoding}{suffix}, beyond packet and tensor"
        if not memory.is_measurable():
            yield Row(name, None, "MiB", MIB_BEYOND_THE_TENSOR, "needs Linux's /proc")
            continue
        packet = bytes(message_of(latents).encode(encoding, compression=compression, level=1))
        try:
            rise = memory.rise_while_decoding(packet)
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").splitlines() or ["nothing was said"]
            yield Row(name, None, "MiB", MIB_BEYOND_THE_TENSOR, f"decoding failed: {said[-1]}")
            continue
        # The packet is there before and after, so what rises is the tensor and what is beyond it.
        beyond = (rise - latents.nbytes) / 2**20
        yield Row(name, beyond, "MiB", MIB_BEYOND_THE_TENSOR)


def _entropy(setting: Setting) -> Iterable[Row]:
    """The entropy stage on normal latents, and on those of the shipped sender's sample texts."""
    kinds = {"normal": setting.normal((FITTED_MESSAGES + SENT_MESSAGES, *LATENTS_SHAPE))}
    note = ""
    try:
        kinds["tiny-llama's"] = _sample_latents()
    except ImportError as error:
        note = f"needs {error.name}"
    for kind in ("normal", "tiny-llama's"):
        for form in ("int4", "int2", "fsq"):
            name = f"{form} of {kind} latents, over their entropy and {FREE_BYTES} bytes"
            if kind not in kinds:
                yield Row(name, None, "x", ABOVE_ENTROPY, note)
                continue
            latents = kinds[kind]
            found = above_entropy(latents[:-SENT_MESSAGES], latents[-SENT_MESSAGES:], form)
            yield Row(name, found, "x", ABOVE_ENTROPY)


def _sample_latents() -> NDArray[np.float32]:
    """Latents of the sentences that ship with the demonstration, float32 [N, K, D]."""
    from latentwire.demo.samples import load_samples
    from latentwire.sender import Sender

    texts = [sample.text for sample in load_samples(SAMPLES_OF_A_TASK)]
    latents: NDArray[np.float32] = Sender.from_pretrained("tiny-llama").latents(texts).numpy()
    return latents


def _sealed(setting: Setting) -> Iterable[Row]:
    """Whether seals hold where they should, and only there."""
    accepted, refused = accepted_and_refused(setting.normal((4, 16)), SEALED, setting.seed)
    yield Row(f"honest sealed packets accepted, of {SEALED:,}", accepted, "packets", ALL_SEALED)
    yield Row(f"altered sealed packets refused, of {SEALED:,}", refused, "packets", ALL_SEALED)


def _codec_rows(name: str, found: Measured) -> list[Row]:
    return [
        _time_row(f"encode {name}", found.encode),
        _time_row(f"decode {name}", found.decode),
        Row(f"bytes {name}", found.size, "bytes"),
    ]


def _time_row(name: str, timing: Timing, messages: int = 1) -> Row:
    best, median = timing.best * 1e6 / messages, timing.median * 1e6 / messages
    return Row(name, best, "us", note=f"median {median:.1f}")


def _encode_speedup(ours: Measured, theirs: Measured) -> float:
    return speedup(ours.encode, theirs.encode)


def _compared(
    name: str,
    measured: Mapping[str, Measured],
    ours: type[Codec],
    theirs: type[Codec],
    target: Target | None,
    ratio: Callable[[Measured, Measured], float],
) -> Row:
    """A ratio of two codecs, or a row without a value if one of them was not measured."""
    lacking = [codec.name for codec in (ours, theirs) if codec.name not in measured]
    if lacking:
        return Row(name, None, "x", target, f"no figures of {' and '.join(lacking)}")
    return Row(name, ratio(measured[ours.name], measured[theirs.name]), "x", target)


FIGURES: dict[str, Figure] = {
    "peers": _peers,
    "soft-prompt": _soft_prompt,
    "compact": _compact,
    "batch": _batch,
    "memory": _memory,
    "entropy": _entropy,
    "sealed": _sealed,
}
"""Every figure by the name that ``--only`` takes, in the order of the report."""


def run_wire(setting: Setting, only: Sequence[str] = ()) -> list[Row]:
    """Measure.

    Args:
        setting: How.
        only: Names of `FIGURES`; none: all.

    Raises:
        UsageError: If there is no figure of a name.
    """
    for name in only:
        if name not in FIGURES:
            raise UsageError(f"there is no figure {name!r}", hint=f"one of {', '.join(FIGURES)}")
    rows: list[Row] = []
    for name, figure in FIGURES.items():
        if not only or name in only:
            rows += figure(setting)
    return rows

"""The whole evaluation in miniature: random models, the sample data, real packets."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from latentwire.errors import MissingExtraError, UsageError
from latentwire.evaluation import figures, run_evaluation
from latentwire.evaluation import predictions as paths
from latentwire.evaluation.figures import FIGURES, PREFIXES, SIZES, Evaluation
from latentwire.evaluation.probes import pooled_states, probe
from latentwire.evaluation.records import FILE, Record, path_name, unpacked
from latentwire.evaluation.report import write_report
from latentwire.evaluation.rows import SplitRows
from latentwire.receiver import Receiver
from latentwire.sender import Sender
from latentwire.tasks import TASKS
from random_models import NUM_LATENTS, RandomModel
from rich.console import Console
from rich.progress import Progress

LIMIT = 24


@pytest.fixture(scope="module")
def senders(random_llama: RandomModel, random_byte_encoder: str) -> dict[str, Sender]:
    return {
        "llama": Sender.from_pretrained(random_llama.model, encoder=random_llama.encoder),
        "bytes": Sender.from_pretrained("bytes", encoder=random_byte_encoder),
    }


@pytest.fixture(scope="module")
def receivers(random_llama: RandomModel, random_qwen: RandomModel) -> dict[str, Receiver]:
    return {
        "llama": Receiver.from_pretrained(random_llama.model, adapter=random_llama.adapter),
        "qwen": Receiver.from_pretrained(random_qwen.model, adapter=random_qwen.adapter),
    }


@pytest.fixture
def evaluate(
    senders: dict[str, Sender], receivers: dict[str, Receiver], sample_data_dir: Path
) -> Any:
    def evaluate(output: Path, wanted: tuple[str, ...] = FIGURES, **changed: Any) -> list[Record]:
        options: dict[str, Any] = {
            "data_dir": sample_data_dir,
            "senders": senders,
            "receivers": receivers,
            "tasks": ["sst2", "trec"],
            "limit": LIMIT,
            **changed,
        }
        bars = Progress(console=Console(file=io.StringIO()))
        return Evaluation(output, bars=bars, studied=["llama"], **options)(wanted)

    return evaluate


@pytest.fixture(scope="module")
def trec(sample_data_dir: Path) -> SplitRows:
    return SplitRows.load("trec", sample_data_dir, LIMIT)


def chosen(records: list[Record], **key: Any) -> list[Record]:
    return [record for record in records if all(record.get(k) == v for k, v in key.items())]


def test_every_figure_of_every_path_is_there_once(evaluate: Any, tmp_path: Path) -> None:
    records = evaluate(tmp_path)
    assert "k = 1, sign" in (report := write_report(records, tmp_path, "test"))
    assert "1 in sign minus all in int8" in report
    found = [(r["figure"], path_name(r)) for r in chosen(records, task="trec")]
    names = [f"{s} to {r}" for s in ("llama", "bytes") for r in ("llama", "qwen")]
    prefixes = [k for k in PREFIXES if k < NUM_LATENTS]
    assert sorted(found) == sorted(
        [(figure, name) for figure in ("text", "no message") for name in ("llama", "qwen")]
        + [(f, name) for f in ("latent", "zero message", "other message") for name in names]
        + [("joint", f"{sender} to llama x qwen") for sender in ("llama", "bytes")]
        + [("prefix", f"{name}, k = {k}") for name in names[:2] for k in prefixes]
        + [("encodings", f"llama to qwen, {encoding}") for encoding in ("f32", "f16", "bf16")]
        + [("sizes", f"llama to qwen, k = {k}, {encoding}") for k, encoding in SIZES]
        + [("probe", "llama, layer 1")]
    )
    assert all(r["accuracy"]["num_rows"] == LIMIT == len(unpacked(r)) for r in records)
    assert json.loads((tmp_path / FILE).read_text().splitlines()[0]) == records[0]


def test_choices_are_made_on_rows_held_out_of_training(
    evaluate: Any, tmp_path: Path, sample_data_dir: Path
) -> None:
    rows = SplitRows.load("trec", sample_data_dir, LIMIT, "validation")
    records = evaluate(tmp_path, ("text",), tasks=["trec"], split="validation")
    assert all(r["split_name"] == "validation" and r["split"] == rows.digest for r in records)
    assert set(rows.texts) <= {e.text for e in TASKS["trec"].load("validation", sample_data_dir)}
    assert "whole" not in (report := write_report(records, tmp_path, "test"))
    assert "validation splits" in report
    on_test = evaluate(tmp_path, ("text",), tasks=["trec"])
    assert all("split_name" not in r for r in on_test if r["split"] != rows.digest)


def test_figures_are_those_of_sender_and_receiver_alone(
    evaluate: Any,
    tmp_path: Path,
    senders: dict[str, Sender],
    receivers: dict[str, Receiver],
    trec: SplitRows,
) -> None:
    records = evaluate(tmp_path, ("text", "latent", "prefix", "encodings", "sizes"), tasks=["trec"])
    ask = {"question": trec.task.question, "choices": trec.task.choices}
    path = {"sender": "llama", "receiver": "qwen"}
    qwen = receivers["qwen"]
    for key, options in (
        ({"figure": "latent"}, {}),
        ({"figure": "prefix", "k": 2}, {"k": 2}),
        ({"figure": "encodings", "encoding": "f16"}, {"encoding": "f16"}),
        ({"figure": "sizes", "k": 1, "encoding": "sign"}, {"k": 1, "encoding": "sign"}),
    ):
        (record,) = chosen(records, **key, **path)
        packets = [senders["llama"].encode(text, **options) for text in trec.texts]  # type: ignore[arg-type]
        guesses = [qwen.ask(bytes(packet), **ask).index for packet in packets]  # type: ignore[arg-type]
        assert unpacked(record).tolist() == (np.array(guesses) == trec.labels).tolist()
        assert record["packet_bytes"] == len(packets[0])
        beyond = record["compact_bytes"] - packets[0].payload_length
        assert 0 < beyond <= 24  # scales are in the payload
        if key["figure"] == "latent":
            (other,) = chosen(records, figure="other message", **path)
            moved = np.roll(guesses, -1)  # row i is judged by the answer to row i + 1
            assert unpacked(other).tolist() == (moved == trec.labels).tolist()
    (text,) = chosen(records, figure="text", receiver="qwen")
    read = [qwen.ask_text(t, **ask).index for t in trec.texts]  # type: ignore[arg-type]
    assert unpacked(text).tolist() == (np.array(read) == trec.labels).tolist()
    for figure in ("no message", "zero message"):
        # One answer for every row: right on the rows of one label.
        for record in chosen(records, figure=figure):
            labels = set(trec.labels[unpacked(record)])
            assert len(labels) <= 1
            share = max(float((trec.labels == label).mean()) for label in labels or {99})
            assert record["accuracy"]["percent"] == pytest.approx(100 * share, abs=0.01)


def test_a_killed_run_goes_on_and_misses_nothing(
    evaluate: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = evaluate(tmp_path / "whole", ("latent",), tasks=["trec"])
    real, calls = paths.answer_packets, []

    def dies(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:  # one receiver of the first sender is done, the joint answer is not
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(figures.paths, "answer_packets", dies)
    with pytest.raises(KeyboardInterrupt):
        evaluate(tmp_path / "killed", ("latent",), tasks=["trec"])
    with (tmp_path / "killed" / FILE).open("a") as file:
        file.write('{"figure": "latent", "ta')
    resumed = evaluate(tmp_path / "killed", ("latent",), tasks=["trec"])

    def by_path(records: list[Record]) -> dict[tuple[str, str], Record]:
        return {(record["figure"], path_name(record)): record for record in records}

    assert by_path(resumed) == by_path(whole)
    assert len(resumed) == len(whole)
    count = len(calls)
    assert evaluate(tmp_path / "killed", ("latent",), tasks=["trec"]) == resumed
    assert len(calls) == count


def test_records_of_other_weights_rows_and_limits_do_not_count(
    evaluate: Any, tmp_path: Path, random_qwen: RandomModel, receivers: dict[str, Receiver]
) -> None:
    first = evaluate(tmp_path, ("text", "latent"), tasks=["trec"])
    assert {r["limit"] for r in evaluate(tmp_path, ("text",), limit=10)} == {10}
    moved = Receiver.from_pretrained(random_qwen.model, adapter=random_qwen.adapter)
    moved.adapter.project.bias.data.add_(0.5)
    moved = Receiver(moved.frozen, _part_of(moved))
    again = evaluate(tmp_path, ("text",), tasks=["trec"], receivers={**receivers, "qwen": moved})
    # Texts do not pass the adapter: they still hold. Messages to this receiver do not.
    expected = [r for r in first if "qwen" not in r.get("receiver", "") or "sender" not in r]
    assert again == expected
    records = (tmp_path / FILE).read_text().replace(first[0]["split"], "0" * 12)
    (tmp_path / FILE).write_text(records)
    assert evaluate(tmp_path, (), tasks=["trec"]) == []


def _part_of(receiver: Receiver) -> Any:
    from latentwire.checkpoint import Part

    digest = receiver.frozen.weights_digest.hex()
    return Part("adapter", receiver.adapter, receiver.name, digest, receiver.manifest)


def test_the_report_says_what_it_is_about(evaluate: Any, tmp_path: Path) -> None:
    records = evaluate(tmp_path)
    text = write_report(records, tmp_path, "latentwire eval --limit 24")
    assert "# Accuracy on parts of test splits" in text
    assert f"**Partial: the first {LIMIT} rows" in text
    first = "| llama to qwen, k = "
    curve = [
        name
        for line in text.splitlines()
        if (name := line.split(" |")[0]).removeprefix(first).isdecimal()
    ]
    assert curve == [f"| llama to qwen, k = {k}" for k in (1, 2, 4, NUM_LATENTS)]
    for comparison in (
        "| joint minus the better receiver | bytes to llama x qwen | trec |",
        "| first latent minus all | llama to llama, k = 1 | sst2 |",
        "| message minus the sender's linear probe | llama to qwen | trec |",
    ):
        assert comparison in text
    assert "| message minus the sender's linear probe | bytes" not in text
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["is_partial"]
    assert set(results["parts"]) == {
        "llama model", "llama encoder", "llama adapter", "bytes encoder", "qwen model",
        "qwen adapter",
    }  # fmt: skip
    assert {"command", "date", "commit", "machine", "versions"} <= set(results["about"])
    assert len(results["records"]) == len(records)
    assert all("right" not in record for record in results["records"])
    assert results["differences"][0].keys() >= {"points", "low", "high", "task", "path"}


def test_probe_reads_what_is_there_and_its_features_are_kept(
    senders: dict[str, Sender], sample_data_dir: Path, tmp_path: Path
) -> None:
    frozen = senders["llama"].frozen
    assert frozen is not None
    rows = SplitRows.load("ag_news", sample_data_dir, None)
    found = probe(frozen, 1, rows, sample_data_dir, cache_dir=tmp_path)
    assert len(found.is_right) == len(rows.texts)
    # Bags of random token states tell topics apart a little, even of a hundred training rows.
    assert found.is_right.mean() > 0.3
    assert len(list(tmp_path.glob("*.npy"))) == 3  # train, validation, test
    again = probe(frozen, 1, rows, sample_data_dir, cache_dir=tmp_path)
    assert (again.is_right == found.is_right).all()
    short = probe(frozen, 1, rows, sample_data_dir, max_train_rows=40)
    assert (short.num_train_rows, found.num_train_rows > 40) == (40, True)


def test_pooled_states_are_means_over_real_tokens(senders: dict[str, Sender]) -> None:
    frozen = senders["llama"].frozen
    assert frozen is not None
    texts = ["a gorgeous , witty movie", "dull", "how do i change my pin ? please , now"]
    pooled = pooled_states(frozen, 1, texts)
    for row, text in zip(pooled, texts, strict=True):
        alone = frozen.hidden_states([text], 1)[0][0].mean(0).numpy()
        np.testing.assert_allclose(row, alone, atol=1e-5)


def test_what_cannot_be_evaluated_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="at least 2 rows, not 1"):
        run_evaluation(tmp_path, limit=1)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match="sklearn") as caught:
        run_evaluation(tmp_path, figures=["probes"])
    assert caught.value.hint == "pip install 'latentwire[eval]'"

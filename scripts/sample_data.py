"""Take the small samples of the data sets that ship with the demonstration and with the tests.

    python scripts/sample_data.py --data-dir DATA

Rows are the first of each test split after the fixed shuffle of ``Task.load``: nobody chose them.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

from latentwire.tasks import TASKS, TREC_FINE
from latentwire.tasks.base import Split

ROOT = Path(__file__).resolve().parents[1]
DEMO_ROWS = 40  # of sst2 and ag_news, inside the wheel
TEST_ROWS = 120  # of each task and split, for the tests
FINER = {TREC_FINE.folder: TREC_FINE}  # by the task whose rows they label again


def main() -> None:
    """Write the samples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    data_dir = parser.parse_args().data_dir
    demo_rows = []
    for name, task in TASKS.items():
        labels = list(task.label_to_answer)
        splits: tuple[Split, ...] = ("train", "test")
        for split in splits:
            folder = ROOT / "tests" / "data" / name
            folder.mkdir(parents=True, exist_ok=True)
            rows = [
                {"text": example.text, "label": labels[example.label]}
                for example in task.load(split, data_dir)
            ]
            if finer := FINER.get(name):
                finer_labels = list(finer.label_to_answer)
                for row, example in zip(rows, finer.load(split, data_dir), strict=True):
                    row[finer.label_field] = finer_labels[example.label]
            lines = "".join(json.dumps(row) + "\n" for row in rows[:TEST_ROWS])
            # No time stamp inside, so that the same rows are the same bytes.
            (folder / f"{split}.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
            if split == "test" and name in ("sst2", "ag_news"):
                demo_rows += [{"task": name, **row} for row in rows[:DEMO_ROWS]]
    target = ROOT / "python" / "latentwire" / "demo" / "samples.jsonl"
    target.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in demo_rows))


if __name__ == "__main__":
    main()

"""Curves of a stage as a picture."""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import Any

from latentwire.durable import whole_file
from latentwire.training.run_log import numbers, read_metrics

CURVES = "curves.png"

_ELSEWHERE = {"step", "learning_rate", "gradient_norm", "examples_per_second"}

logger = logging.getLogger(__name__)


def draw_curves(folder: Path) -> None:
    """Write ``curves.png`` from a stage's metrics: losses, gradient norm, validation figures.

    Without matplotlib nothing is drawn, and the log says so.
    """
    if importlib.util.find_spec("matplotlib") is None:
        logger.info("no curves: matplotlib is not installed (latentwire[train] brings it)")
        return
    from matplotlib.figure import Figure

    lines = read_metrics(folder)
    panels: dict[str, dict[str, tuple[list[int], list[float]]]] = {}
    for line in lines:
        losses = {name: x for name, x in line.items() if name not in _ELSEWHERE}
        for panel, values in (
            ("loss", {name: x for name, x in numbers(losses).items() if "/" not in name}),
            ("gradient norm", numbers({"": line.get("gradient_norm")})),
            ("validation", numbers(line.get("validation", {}))),
        ):
            for name, value in values.items():
                steps, series = panels.setdefault(panel, {}).setdefault(name, ([], []))
                steps.append(line["step"])
                series.append(value)
    if not panels:
        return
    figure: Any = Figure(figsize=(8, 2.4 * len(panels)), dpi=100)
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (panel, curves) in zip(axes, panels.items(), strict=True):
        for name, (steps, series) in curves.items():
            axis.plot(steps, series, marker=".", label=name)
        axis.set_ylabel(panel)
        if len(curves) > 1:
            axis.legend(fontsize="x-small")
    axes[-1].set_xlabel("step")
    with whole_file(folder / CURVES) as partial:
        figure.savefig(partial, format="png")

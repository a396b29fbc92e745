"""The ratios as bars, with their quartiles."""

from __future__ import annotations

from importlib import import_module as load
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SHOWN = ("hit", "miss", "hit 1 MB", "miss 1 MB")
WIDE = 10
"""A ratio over this calls for a logarithmic scale."""

OURS, OTHERS = "#b3402a", "#7a8794"


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw the tables that are shown, one below the other, as an SVG."""
    shown = [table for table in results["tables"] if table["key"] in SHOWN]
    matplotlib = load("matplotlib")
    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {"svg.hashsalt": "beautyspot", "svg.fonttype": "none", "font.size": 9, "axes.titlesize": 9}
    )
    plots = load("matplotlib.pyplot")
    sizes = [len(table["rows"]) + 4 for table in shown]
    figure, axes = plots.subplots(
        len(shown), figsize=(8, sum(sizes) * 0.24), height_ratios=sizes, squeeze=False
    )
    for axis, table in zip(axes[:, 0], shown, strict=True):
        _bars(axis, table)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plots.close(figure)


def _bars(axis: Any, table: Mapping[str, Any]) -> None:
    rows: Sequence[Mapping[str, Any]] = sorted(table["rows"], key=lambda row: -row["x"])
    middles = [row["x"] for row in rows]
    errors = [
        [row["x"] - row["x_low"] for row in rows],
        [row["x_high"] - row["x"] for row in rows],
    ]
    colours = [OURS if row["name"].startswith("beautyspot") else OTHERS for row in rows]
    axis.barh([row["name"] for row in rows], middles, xerr=errors, color=colours, height=0.7)
    if max(middles) > WIDE:
        axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set_title(f"{table['title']}\nx: the ratio to {table['reference']}", x=0, ha="left")

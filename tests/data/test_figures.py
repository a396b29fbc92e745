"""Figures of matplotlib: a function that returns one gives its picture, and that is stored."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import plotly.graph_objects as go
import pytest
from beautyspot import open_store
from matplotlib.figure import Figure
from PIL import Image

mpl.use("agg")

KINDS = {
    "image/png": (b"\x89PNG\r\n\x1a\n", ".png"),
    "image/svg+xml": (b"<?xml", ".svg"),
    "application/pdf": (b"%PDF", ".pdf"),
}


def figure(height: int) -> Figure:
    made = Figure()
    made.add_subplot().plot([0, height])
    return made


def said(caplog: Any) -> str:
    return "\n".join(record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_is_stored_and_given(make_spot: Any, caplog: Any, kind: str) -> None:
    spot = make_spot()
    ran: list[int] = []

    @spot.mark(content_type=kind, save_blob=True, ignore=("ran",))
    def draw(height: int) -> Any:
        ran.append(height)
        return figure(height)

    first, hit, other = draw(1), draw(1), draw(2)
    start, suffix = KINDS[kind]
    assert type(first) is bytes
    assert first.startswith(start)
    assert first == hit != other
    assert ran == [1, 2]
    path = Path(spot.peek(draw, 1).location)
    assert path.suffix == suffix
    assert path.read_bytes() == first
    with open_store(spot) as store:
        content = store.content(spot.key(draw, 1))
        assert (content.content_type, content.is_media) == (kind, True)
    assert said(caplog) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_the_moment_of_drawing_is_not_in_it(
    spot: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    draw = spot.mark(content_type=kind)(figure)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")  # which matplotlib takes for the time
    assert b"1970" not in draw(1)


def test_coroutines_lists_and_set_results_give_pictures_too(spot: Any) -> None:
    @spot.mark(content_type="image/png")
    async def one(height: int) -> Any:
        return figure(height)

    @spot.mark(content_type="image/png", each="heights")
    def many(heights: list[int]) -> Any:
        return [figure(height) for height in heights]

    first = asyncio.run(one(1))
    assert first == asyncio.run(one(1)) == many([1])[0]
    assert many([2, 1]) == [asyncio.run(one(2)), first]
    spot.set_result(figure(3), one, 3)
    assert asyncio.run(one(3)) == asyncio.run(one(3)) == many([3])[0]
    assert {type(each) for each in many([1, 2, 3])} == {bytes}


def test_pyplot_forgets_it() -> None:
    from beautyspot.testing import memory_spot
    from matplotlib import pyplot as plt

    with memory_spot() as spot:

        @spot.mark(content_type="image/png")
        def draw(height: int) -> Any:
            made, axes = plt.subplots()
            axes.plot([0, height])
            return made

        draw(1)
    assert plt.get_fignums() == []


def test_without_a_content_type_it_is_said(make_spot: Any, caplog: Any) -> None:
    draw = make_spot().mark(lambda: figure(1))
    assert [type(draw()) for _ in range(2)] == [Figure, Figure]
    [record] = caplog.records
    assert (
        'a Figure is stored as its picture: mark(content_type="image/png")' in record.getMessage()
    )


def test_as_an_argument_it_is_refused(make_spot: Any, caplog: Any) -> None:
    show = make_spot().mark(lambda picture: 1)
    assert show(figure(1)) == show(figure(1)) == 1
    assert "matplotlib.figure.Figure, which has no form" in said(caplog)
    assert "pass what it shows" in said(caplog)


def test_a_figure_of_plotly_comes_back_and_is_a_page_where_that_is_asked(spot: Any) -> None:
    def draw(height: int) -> Any:
        return go.Figure({"data": [{"type": "bar", "y": [0, height]}]})

    marked = spot.mark(draw)
    assert marked(1) == marked(1) == draw(1)
    assert type(marked(1)) is go.Figure
    shown = spot.mark(lambda each: each.data[0].y[1])
    assert [shown(draw(height)) for height in (2, 3, 2)] == [2, 3, 2]
    assert spot.stats()["hits"] == 3
    page = spot.mark(content_type="text/html")(draw)
    assert b"<html>" in page(1), "of what was stored before"
    assert b"<html>" in page(5)
    assert (page(1), page(5)) == (page(1), page(5))


def test_a_mark_with_another_content_type_gives_no_picture_of_the_one_before(
    make_spot: Any,
) -> None:
    def draw(height: int) -> Any:
        return figure(height)

    def page(height: int) -> Any:
        return go.Figure({"data": [{"type": "bar", "y": [0, height]}]})

    spot = make_spot(strict=False)
    for kind, (start, _) in KINDS.items():
        marked = spot.mark(content_type=kind)(draw)
        spot.set_result(figure(2), marked, 2)
        for each in (1, 1, 2):
            assert marked(each).startswith(start)
    assert spot.stats()["hits"] == 2 * len(KINDS)
    assert type(spot.mark(draw)(1)) is Figure
    assert b"<html>" in spot.mark(content_type="text/html")(page)(1)
    assert spot.mark(page)(1) == page(1)


def test_a_figure_of_a_class_below_that_of_plotly_is_refused_and_counts(
    make_spot: Any, caplog: Any
) -> None:
    spot = make_spot(strict=False)
    assert type(spot.mark(lambda: Resampled())()) is Resampled
    assert "return plotly.graph_objects.Figure(…) of it" in said(caplog)
    shown = spot.mark(lambda each: len(each.data))
    assert shown(Resampled()) == shown(Resampled()) == 0
    assert spot.stats()["hits"] == 1


def test_the_arrays_of_a_figure_of_plotly_come_back_as_such(spot: Any) -> None:
    import numpy as np

    given = np.arange(3), np.array(["a", None, [1]], dtype=object), np.ones((2, 3))

    @spot.mark
    def draw() -> Any:
        layout = {"title": {"text": "t"}}
        return go.Figure(
            [go.Bar(x=given[1], y=given[0]), go.Heatmap(z=given[2])],
            layout,
            [go.Frame(data=[go.Bar(y=given[0])])],
        )

    first, hit = draw(), draw()
    assert first == hit
    assert spot.stats()["hits"] == 1
    for one in (first, hit):
        found = one.data[0].y, one.data[0].x, one.data[1].z, one.frames[0].data[0].y
        assert [*map(type, found)] == [np.ndarray] * 4
        assert [each.tolist() for each in found] == [each.tolist() for each in (*given, given[0])]
        assert one.layout.title.text == "t"


@pytest.mark.parametrize("held", [lambda axes: axes, lambda axes: Grid(axes.figure)])
def test_what_is_drawn_in_a_figure_gives_that(spot: Any, held: Any) -> None:
    @spot.mark(content_type="image/png")
    def plot(height: int) -> Any:
        return held(figure(height).axes[0])

    assert plot(1) == plot(1) != plot(2)
    assert plot(1).startswith(b"\x89PNG")


def test_a_figure_that_can_not_be_reached_is_no_picture(make_spot: Any, caplog: Any) -> None:
    spot = make_spot(strict=False)

    @spot.mark(content_type="image/png")
    def plot() -> Any:
        return Broken()

    assert type(plot()) is Broken
    assert "it is closed" not in said(caplog)
    assert "as image/png: Broken is not written as that" in said(caplog)


def test_a_figure_that_is_a_value_like_any_other_is_not_taken_for_its_holder(
    make_spot: Any, caplog: Any
) -> None:
    spot = make_spot(strict=False)

    @spot.mark(content_type="image/png")
    def report(title: str) -> Report:
        return Report(title, Image.new("RGB", (2, 2)))

    assert report("a") == report("a") == Report("a", Image.new("RGB", (2, 2)))
    assert spot.stats()["hits"] == 0
    assert "as image/png: Report is not written as that" in said(caplog)


@dataclass(slots=True)
class Report:
    title: str
    figure: Image.Image


class Resampled(go.Figure):  # type: ignore[misc] # it has no types
    """As one of plotly-resampler."""


class Grid:
    """As one of seaborn."""

    def __init__(self, figure: Any) -> None:
        self._figure = figure

    @property
    def figure(self) -> Any:
        return self._figure


class Broken:
    @property
    def figure(self) -> Any:
        raise RuntimeError("it is closed")


def test_without_a_content_type_axes_are_told_of_their_figure(make_spot: Any, caplog: Any) -> None:
    spot = make_spot(strict=False)

    @spot.mark
    def plot() -> Any:
        return figure(1).axes[0]

    plot()
    assert 'return that, `.figure`, and mark with content_type="image/png"' in said(caplog)

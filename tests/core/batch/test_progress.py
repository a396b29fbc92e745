"""What a map tells of how far it is: the counts, the rates, and who shows them."""

from __future__ import annotations

import io
import sys
import threading
import types
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import Progress
from beautyspot.batch import displays
from beautyspot.batch.meter import Meter, meter_of
from owned_clock import Clock

if TYPE_CHECKING:
    pass

NAME = "module:read"


class Seen:
    """A display that keeps what it was shown."""

    every = 0.0

    def __init__(self) -> None:
        self.shown: list[Progress] = []
        self.last: list[bool] = []
        self.came = threading.Event()

    def __call__(self, progress: Progress, *, last: bool) -> None:
        self.shown.append(progress)
        self.last.append(last)
        self.came.set()


class Screen(io.StringIO):
    """A terminal without a file."""

    def isatty(self) -> bool:
        return True


class Bar:
    """Stands for tqdm's."""

    made: list[Bar] = []

    def __init__(self, **options: Any) -> None:
        self.options, self.n, self.text, self.drawn, self.closed = options, 0, "", 0, False
        Bar.made.append(self)

    def set_postfix_str(self, text: str, refresh: bool) -> None:
        assert not refresh
        self.text = text

    def refresh(self) -> None:
        self.drawn += 1

    def close(self) -> None:
        self.closed = True


def a_screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal 60 columns wide, and no tqdm; not a fixture, since pytest sets stderr later."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    return screen


def of(**given: Any) -> Progress:
    counts = {"function": NAME, "done": 30, "total": 100, "hits": 10, "runs": 19, "failures": 1}
    now = {"unstored": 0, "running": 5, "waiting": 0, "seconds": 9.0, "quiet": 0.1}
    rates = {"rate": 2.5, "left": 28.0}
    return Progress(**{**counts, **now, **rates, **given})


# ---------------------------------------------------------------------------------------- counts


def test_what_becomes_of_each_input_is_counted() -> None:
    meter = Meter(NAME, 9, Seen(), clock=Clock())
    meter.hit(2)
    meter.hit()
    for _ in range(5):
        meter.began()
    meter.began()
    meter.ran()
    meter.ran(stored=False)
    meter.found()
    meter.failed()
    meter.missed()
    meter.gave_up()
    now = meter.progress()
    assert (now.function, now.total, now.done) == (NAME, 9, 8)
    assert (now.hits, now.runs, now.failures, now.running) == (4, 2, 2, 1)
    assert now.unstored == 1


def test_hits_do_not_shorten_the_time_that_is_left() -> None:
    clock = Clock()
    meter = Meter(NAME, 1000, Seen(), clock=clock)
    clock.now += 10
    meter.hit(900)
    meter.began()
    assert meter.progress().left is None  # nothing has run yet
    meter.began()
    clock.now += 4
    meter.ran()
    meter.failed()
    clock.now += 50  # nothing is under way, as while hits are read
    now = meter.progress()
    assert now.left == 98 * 4 / 2
    assert now.rate == 902 / 64
    assert now.seconds == 64


# ------------------------------------------------------------------------------------ when


def test_the_end_is_always_shown_and_once() -> None:
    seen = Seen()
    meter = Meter(NAME, 1, seen)
    meter.hit()
    meter.close()
    meter.close()
    meter.show()
    assert [(each.done, last) for each, last in zip(seen.shown, seen.last, strict=True)] == [
        (1, True)
    ]


def test_a_display_that_raises_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def tell(progress: Progress) -> None:
        calls.append(progress)
        raise ZeroDivisionError

    meter = meter_of(tell, NAME, None)
    assert meter is not None
    meter.show()
    meter.show()
    meter.start()  # its thread ends at once
    meter.close()
    assert len(calls) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "module:read raised ZeroDivisionError, and is left out" in caplog.text


# --------------------------------------------------------------------------------- displays


def test_a_terminal_shows_a_line_that_changes_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = a_screen(monkeypatch)
    line = displays.display(NAME, 100)
    line(of(), last=False)
    line(of(failures=0, waiting=3), last=False)
    line(of(done=100, runs=89, seconds=130.0), last=True)
    first, second, third = screen.getvalue().split("\r")[1:]
    assert first == "read: 30%, 28 s left, 2.5/s, 30 of 100, 1 failure, 19 runs"
    assert second.rstrip() == "read: 30%, 28 s left, 2.5/s, 30 of 100, 19 runs, 10 hits"
    assert third.rstrip() == "read: 100 done in 2 min, 1 failure, 89 runs, 10 hits"
    assert third.endswith("  \n")
    assert len(second) >= len(first)  # nothing of the line before stays
    assert len(third) - 1 >= len(second.rstrip())


def test_tqdm_shows_it_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = a_screen(monkeypatch)
    tqdm = types.ModuleType("tqdm.auto")
    tqdm.tqdm = Bar  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tqdm.auto", tqdm)
    for total, counted in ((100_000, "12,034/100,000"), (None, "12,034")):
        line = displays.display(NAME, total)
        bar = Bar.made.pop()
        drawn = bar.options["bar_format"].format(
            desc="read", percentage=12.0, bar="", n=12034, total=total, postfix=", 1 hit"
        )
        assert drawn.endswith(f" {counted}, 1 hit")
        assert bar.options["total"] == total
        assert bar.options["desc"] == "read"
        line(of(total=total), last=False)
        assert (bar.n, bar.text) == (30, "28 s left, 2.5/s, 1 failure")  # of sixty columns
        line(of(total=total, left=None), last=True)
        assert bar.text == "in 9.0 s, 1 failure, 19 runs"
        assert bar.drawn == 2
        assert bar.closed
    assert screen.getvalue() == ""

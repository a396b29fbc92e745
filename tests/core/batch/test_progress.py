"""What a map tells of how far it is: the counts, the rates, and who shows them."""

from __future__ import annotations

import asyncio
import contextvars
import io
import logging
import sys
import threading
import types
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import Progress
from beautyspot.batch import displays
from beautyspot.batch.meter import SAMPLES, Meter, checked_progress, meter_of
from beautyspot.concurrency import deferred
from beautyspot.concurrency.queueing import queued
from beautyspot.errors import ConfigError
from gates import DEADLINE
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

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


def test_the_rates_are_those_of_the_last_while() -> None:
    clock = Clock()
    meter = Meter(NAME, 1000, Seen(), clock=clock)
    meter.began()
    for seconds in [10.0] * 40 + [2.0] * SAMPLES:
        meter.began()
        clock.now += seconds
        meter.ran()
        meter.show()
    now = meter.progress()
    assert now.rate == 0.5
    assert now.left == now.total - now.done << 1  # type: ignore[operator]


def test_where_all_are_hits_by_now_the_others_are_taken_for_hits() -> None:
    clock = Clock()
    meter = Meter(NAME, 1000, Seen(), clock=clock)
    assert meter.progress().left is None
    clock.now += 2
    meter.hit(400)
    now = meter.progress()
    assert (now.rate, now.left) == (200, 3)
    meter.began()
    assert meter.progress().left is None  # nothing tells how long it takes


def test_of_calls_that_run_nothing_tells_how_long_they_still_take() -> None:
    clock = Clock()
    meter = Meter(NAME, 4, Seen(), clock=clock)
    for _ in range(3):
        meter.began()
    clock.now += 10
    meter.ran()
    assert meter.progress().left == 3 * 10  # one has not begun
    meter.began()
    assert meter.progress().left is None
    clock.now += 500
    assert meter.progress().left is None


def test_a_call_that_holds_up_the_rest_takes_longer_than_any_other_one() -> None:
    clock = Clock()
    meter = Meter(NAME, 40, Seen(), clock=clock)
    meter.began()
    for _ in range(20):
        meter.began()
        clock.now += 1
        meter.ran()
    clock.now += 5
    assert meter.progress().left == 20
    clock.now += 16
    assert meter.progress().left is None


def test_of_calls_that_wait_for_a_limit_the_rate_tells_when_they_are_done() -> None:
    clock = Clock()
    meter = Meter(NAME, 2, Seen(), clock=clock)
    context = contextvars.copy_context()
    context.run(meter.watch)
    meter.began()
    meter.began()
    clock.now += 10
    meter.ran()

    def call() -> float | None:
        with queued():
            return meter.progress().left

    assert context.run(call) == 10
    assert meter.progress().left is None


@pytest.mark.parametrize(
    "happens",
    [
        lambda meter: meter.hit(),
        lambda meter: meter.began(),
        lambda meter: meter.ran(),
        lambda meter: meter.found(),
        lambda meter: meter.failed(),
        lambda meter: meter.missed(),
        lambda meter: meter.gave_up(),
    ],
)
def test_the_time_in_which_nothing_happens_is_told(happens: Callable[[Meter], object]) -> None:
    clock = Clock()
    meter = Meter(NAME, None, Seen(), clock=clock)
    meter.began()
    clock.now += 8
    assert meter.progress().quiet == 8
    happens(meter)
    assert meter.progress().quiet == 0


def test_where_all_is_done_nothing_is_left() -> None:
    meter = Meter(NAME, 3, Seen(), clock=Clock())
    meter.hit(3)
    assert meter.progress().left == 0
    assert Meter(NAME, None, Seen()).progress().left is None


def test_calls_that_wait_for_a_limit_are_counted_while_they_wait() -> None:
    meter = Meter(NAME, None, Seen(), clock=Clock())
    context = contextvars.copy_context()
    context.run(meter.watch)
    meter.began()

    def call() -> int:
        with queued():
            return meter.progress().waiting

    assert context.copy().run(call) == 1
    assert meter.progress().waiting == 0
    assert call() == 0  # a call of nobody's, outside of the map


def test_counts_come_from_many_threads() -> None:
    meter = Meter(NAME, None, Seen())

    def count() -> None:
        for _ in range(500):
            meter.hit()
            meter.began()
            meter.ran()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    now = meter.progress()
    assert (now.hits, now.runs, now.running) == (2000, 2000, 0)


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


def test_a_thread_shows_it_until_the_end() -> None:
    seen = Seen()
    meter = Meter(NAME, None, seen)
    meter.start()
    assert seen.came.wait(DEADLINE)
    meter.close()
    assert seen.last.pop() is True
    assert not any(seen.last)


def test_without_a_thread_the_end_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise RuntimeError("no thread")

    monkeypatch.setattr(deferred, "begin", none)
    seen = Seen()
    meter = Meter(NAME, None, seen)
    meter.start()
    meter.close()
    assert seen.last == [True]


async def _in_a_loop(seen: Seen) -> None:
    meter = Meter(NAME, None, seen)
    meter.start_in(asyncio.get_running_loop())
    while len(seen.shown) < 3:
        await asyncio.sleep(0)
    meter.close()
    meter.start_in(asyncio.get_running_loop())  # as a timer that came too late


def test_an_event_loop_shows_it_until_the_end() -> None:
    seen = Seen()
    asyncio.run(_in_a_loop(seen))
    assert seen.last == [False] * (len(seen.last) - 1) + [True]


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


# --------------------------------------------------------------------------------- progress=


def test_a_function_gets_what_was_counted() -> None:
    told: list[Progress] = []
    meter = meter_of(told.append, NAME, 4)
    assert meter is not None
    meter.hit(4)
    meter.close()
    assert [each.done for each in told] == [4]


def test_none_costs_nothing() -> None:
    assert meter_of(None, NAME, 1) is None
    assert meter_of(False, NAME, 1) is None


async def _never_awaited(progress: Progress) -> None: ...


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("yes", "'yes' (str)"),
        (1, "1 (int)"),
        (Progress, "the class Progress"),
        (_never_awaited, "the coroutine function _never_awaited"),
    ],
)
def test_what_is_no_progress_is_refused(wrong: object, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        checked_progress(wrong)
    assert said in str(raised.value)
    assert "give True for a line" in str(raised.value)


def test_what_is_one_passes() -> None:
    for right in (None, True, False, print):
        checked_progress(right)


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


def test_wide_letters_take_two_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = a_screen(monkeypatch)
    line = displays.display("m:" + "読" * 40, None)
    line(of(function="m:" + "読" * 40), last=False)
    assert screen.getvalue() == "\r" + "読" * 12 + ": 30%, 28 s left, 2.5/s, 30 of 100"
    line(of(function="m:読", done=1, hits=1, runs=0, total=None), last=True)
    text = "読: 1 done in 9.0 s, 1 failure, 0 runs, 1 hit"
    assert screen.getvalue().split("\r")[2] == text + " " * (58 - len(text) - 1) + "\n"


@pytest.mark.parametrize("name", ["ask", "a_name_as_long_as_can_be"])
def test_eighty_columns_show_how_fast_it_is_and_how_long_it_takes(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    screen = a_screen(monkeypatch)
    monkeypatch.setenv("COLUMNS", "80")
    counts = {"done": 12034, "total": 100000, "hits": 9800, "runs": 2229, "failures": 5}
    now = of(function=f"m:{name}", **counts, waiting=11, running=16, rate=4.2, left=20940.0)
    displays.display(NAME, 100)(now, last=False)
    shown = screen.getvalue()[1:]
    assert shown.startswith(f"{name}: 12%, 5 h 49 min left, 4.2/s, 12,034 of 100,000")
    assert shown[-1] != ","
    assert len(shown) < 80
    assert all(part in ", ".join(displays.described(now)) for part in shown.split(", ")[1:])


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"done": 97, "running": 3, "left": None}, "97%, last 3 running, 2.5/s"),
        ({"done": 99, "running": 1, "left": None, "quiet": 8.0}, "99%, last 1 running for 8.0 s"),
        ({"running": 2, "quiet": 80.0}, "30%, 28 s left, 2 running for 80 s, 2.5/s"),
        ({"running": 2, "waiting": 2, "quiet": 80.0}, "30%, 28 s left, 2.5/s"),
        ({"done": 98, "running": 2, "waiting": 1}, "98%, 28 s left, 2.5/s"),
        ({"total": None, "running": 2, "quiet": 80.0}, "30 done, 28 s left, 2 running for 80 s"),
    ],
)
def test_a_call_that_holds_up_the_rest_is_shown(now: dict[str, Any], said: str) -> None:
    assert ", ".join(displays.described(of(**now))).startswith(said)


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


def test_a_log_gets_a_line_a_minute_where_it_shows_such(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    lines = displays.display(NAME, 100)
    assert lines.every == 60
    with caplog.at_level(logging.INFO, "beautyspot"):
        lines(of(), last=False)
    assert [record.getMessage() for record in caplog.records] == [
        f"{NAME}: 30%, 28 s left, 2.5/s, 30 of 100, 1 failure, 19 runs, 10 hits"
    ]
    assert capsys.readouterr().err == ""


def test_who_has_set_no_log_up_sees_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = displays.display(NAME, None)
    lines(of(total=None, left=None), last=False)
    lines(of(), last=True)
    assert capsys.readouterr().err.splitlines() == [
        "beautyspot: module:read: 30 done, 2.5/s, 1 failure, 19 runs, 10 hits",
        "beautyspot: module:read: 30 done of 100 in 9.0 s, 1 failure, 19 runs, 10 hits",
    ]


def test_without_a_stream_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    displays.display(NAME, None)(of(), last=True)


def test_a_notebook_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = types.SimpleNamespace(kernel=object())
    notebook = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", notebook)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(displays.display(NAME, None), displays.Line)


def test_in_a_notebook_the_line_of_tqdm_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    tqdm = types.ModuleType("tqdm.auto")
    tqdm.tqdm = Bar  # type: ignore[attr-defined]
    shell = types.SimpleNamespace(kernel=object())
    notebook = types.SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", notebook)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "tqdm.auto", tqdm)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    line = displays.display(NAME, 100)
    line(of(waiting=3), last=False)
    assert Bar.made.pop().text == "28 s left, 2.5/s, 1 failure, 19 runs, 10 hits, 3 wait"


def test_a_stream_that_is_no_terminal_and_can_not_say_so_gets_a_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", types.SimpleNamespace())
    assert isinstance(displays.display(NAME, 100), displays.Log)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (2.44, "2.4 s"),
        (99.0, "99 s"),
        (720.0, "12 min"),
        (12000.0, "3 h 20 min"),
        (900000.0, "10 days 10 h"),
    ],
)
def test_times_are_written_for_people(seconds: float, text: str) -> None:
    assert displays.span(seconds) == text


def test_large_numbers_are_readable() -> None:
    now = of(done=12345, total=100000, hits=12000, rate=1234.5)
    text = ", ".join(displays.described(now))
    assert "1,234/s, 12,345 of 100,000, 1 failure, 19 runs, 12,000 hits" in text
    assert displays.described(of(done=0, total=0))[0] == "100%"


@pytest.mark.parametrize("words", [displays.described, displays.at_the_end])
def test_a_line_says_how_many_results_are_not_stored(
    words: Callable[[Progress], list[str]],
) -> None:
    assert "19 not stored, 19 runs" in ", ".join(words(of(unstored=19)))
    assert "stored" not in ", ".join(words(of()))


@pytest.mark.parametrize("words", [displays.described, displays.at_the_end])
def test_a_line_says_how_many_calls_a_limit_refused(
    words: Callable[[Progress], list[str]],
) -> None:
    assert "1 failure, 1,200 refused, 19 runs" in ", ".join(words(of(refused=1200)))
    assert "refused" not in ", ".join(words(of()))

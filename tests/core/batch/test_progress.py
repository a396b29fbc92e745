"""What a map tells of how far it is: the counts, the rates, and who shows them."""

from __future__ import annotations

import io
import logging
import sys
import types
from typing import Any

import pytest
from beautyspot import Progress
from beautyspot.batch.meter import Meter, meter_of
from gates import until
from owned_clock import Clock

NAME = "module:read"


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

    def set_postfix_str(self, text: str) -> None:
        self.text = text
        self.drawn += 1

    def close(self) -> None:
        self.closed = True


def shown(total: int | None, *, at_work: int = 0) -> tuple[Meter, Clock, list[Any]]:
    """A meter, its clock, and what it shows; so many calls are under way."""
    clock, seen = Clock(), list[Any]()
    meter = Meter(NAME, total, lambda progress, last: seen.append((progress, last)), clock=clock)
    meter.under_way = lambda: (at_work, 0)
    return meter, clock, seen


def test_what_becomes_of_each_input_is_counted() -> None:
    meter, clock, seen = shown(9, at_work=1)
    meter.hits += 2
    clock.now += 2
    meter.runs, meter.unstored, meter.failures, meter.refused = 2, 1, 1, 1
    meter.tick()
    clock.now += 3
    now = meter.progress()
    assert (now.function, now.total, now.done, now.running) == (NAME, 9, 6, 1)
    assert (now.hits, now.runs, now.failures, now.refused, now.unstored) == (2, 2, 1, 1, 1)
    assert now.seconds == 5
    meter.tick()
    meter.tick()  # which is not due yet
    meter.close()
    meter.close()
    assert [(told.done, last) for told, last in seen] == [(6, False), (6, False), (6, True)]


def test_a_display_that_raises_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def tell(progress: Progress) -> None:
        calls.append(progress)
        raise ZeroDivisionError

    meter = meter_of(tell, NAME, None)
    meter.tick(last=True)
    meter.tick(last=True)
    meter.close()
    assert len(calls) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "module:read raised ZeroDivisionError, and is left out" in caplog.text


def counted(total: int | None) -> Meter:
    """That of `progress=True`, when much has happened."""
    meter = meter_of(True, NAME, total)
    meter.hits, meter.runs, meter.failures = 9800, 2229, 5
    meter.refused, meter.unstored = 2, 3
    return meter


WORDS = "5 failed, 2 refused, 3 not stored, 2,229 runs, 9,800 hits"


@pytest.mark.parametrize("total", [100_000, None])
def test_tqdm_shows_it_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, total: int | None
) -> None:
    tqdm = types.ModuleType("tqdm.auto")
    tqdm.tqdm = Bar  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tqdm.auto", tqdm)
    monkeypatch.setattr(sys, "stderr", screen := Screen())
    meter = counted(total)
    bar = Bar.made.pop()
    assert bar.options == {"total": total, "desc": "read"}
    until(lambda: meter.tick() or bar.drawn)
    assert (bar.n, bar.closed) == (12036, False)
    assert bar.text.endswith(WORDS)
    meter.close()
    assert bar.text == f"in 0:00:00, {WORDS}"
    assert (bar.drawn, bar.closed) == (2, True)
    assert screen.getvalue() == ""


@pytest.mark.parametrize("is_looked_at", [True, False])
def test_elsewhere_it_is_a_line_on_stderr_or_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_looked_at: bool
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr(sys, "stderr", stream := Screen() if is_looked_at else io.StringIO())
    counted(100_000).close()
    line = f"{NAME}: 12,036 of 100,000 done, in 0:00:00, {WORDS}"
    assert stream.getvalue() == f"beautyspot: {line}\n"
    with caplog.at_level(logging.INFO, "beautyspot"):
        counted(None).close()
    assert caplog.messages == [line.replace(" of 100,000", "")]
    assert stream.getvalue().count("\n") == 1

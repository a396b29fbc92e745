"""Times that a test has frozen count as what they stand for."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest
from beautyspot.keys.generator import canonical

freezegun = pytest.importorskip("freezegun")
time_machine = pytest.importorskip("time_machine")

TIMES = [
    dt.datetime(2024, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001
    dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
    dt.date(2024, 1, 2),
]


def test_frozen_times_count_as_what_they_stand_for():
    texts = [*map(canonical, TIMES)]
    with freezegun.freeze_time("2024-01-02 03:04:05.000006"):
        assert type(dt.datetime.now()) is not type(TIMES[0])  # noqa: DTZ005
        frozen = [dt.datetime.now(), dt.datetime(2024, 1, 2, tzinfo=dt.UTC), dt.date.today()]  # noqa: DTZ005, DTZ011
        assert [*map(canonical, frozen)] == texts
        assert [*map(canonical, TIMES)] == texts
    assert [*map(canonical, frozen)] == texts
    with time_machine.travel(TIMES[1], tick=False):
        assert canonical(dt.datetime.now(dt.UTC)) == texts[1]


def test_calls_while_the_time_stands_and_afterwards_are_one(tmp_path):
    """Whichever is imported first, and whenever the first time is met."""
    code = (
        "import sys, datetime as dt, freezegun\n"
        "if sys.argv[1] == 'first': import beautyspot\n"
        "real, ran = (dt.datetime(2024, 1, 2, 3), dt.date(2024, 1, 2)), []\n"
        "def later(when):\n"
        "    ran.append(when)\n"
        "    return [when, dt.datetime.now() if sys.argv[1] == 'first' else when]\n"
        "with freezegun.freeze_time('2024-01-02 03:00'):\n"
        "    import beautyspot\n"
        "    marked = beautyspot.Spot('app', directory=sys.argv[2], strict=True).mark(later)\n"
        "    fake = dt.datetime.now(), dt.date.today()\n"
        "    found = [marked(when) for when in (*real, *fake)]\n"
        "found += [marked(when) for when in (*real, *fake)]\n"
        "assert [when for when, _ in found] == [*real] * 4, found\n"
        "print(len(ran), type(found[-1][0]).__name__, type(found[-1][1]).__name__)\n"
    )
    for order, kind in (("first", "datetime"), ("then", "date")):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, order, str(tmp_path / order)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.strip() == f"2 date {kind}", done.stderr

"""How stored texts, sizes, durations, moments and amounts are written."""

from __future__ import annotations

import time

import pytest
import time_machine
from beautyspot_cli import formats
from beautyspot_cli.formats import safe, safe_lines

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe 東京 🐢", "größe 東京 🐢"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\tb\nc\rd", r"a\tb\nc\rd"),
        ("\x9b31m", r"\x9b31m"),
        ("abc\u202ecba", r"abc\u202ecba"),
        ("\ud800 \U000e0041", r"\ud800 \U000e0041"),
        ("\x7f\u200b", r"\x7f\u200b"),
    ],
)
def test_nothing_in_a_text_is_a_command_to_a_terminal(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_text_of_several_lines_keeps_them() -> None:
    assert safe_lines("a\n\tb\x1b[2J\r") == "a\n\\tb\\x1b[2J\\r"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (None, "-"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"),
        (999_950, "1.0 MB"), (12_345_678, "12.3 MB"), (5 * 10**15, "5000.0 TB"),
    ],
)  # fmt: skip
def test_sizes(count: int | None, text: str) -> None:
    assert formats.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"), (0, "0 s"), (0.00021, "210 us"), (0.0123, "12.3 ms"), (0.25, "0.25 s"),
        (3.4, "3.4 s"), (59.94, "59.9 s"), (59.99, "1 min"), (125, "2 min 5 s"),
        (7500, "2 h 5 min"), (7205, "2 h 5 s"), (90000, "1 d 1 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (0.2, "0 s ago"),
        (59, "59 s ago"),
        (7500, "2 h ago"),
        (3 * 86400, "3 d ago"),
        (-90, "in 1 min"),
    ],
)
def test_ages(before: float, text: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert formats.ago(NOW - before) == text


def test_moments_are_local_for_people_and_in_utc_for_programs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert formats.moment(NOW) == "2026-09-21 23:13:20"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert formats.iso(NOW + 0.5) == "2026-09-21T14:13:20.500000Z"


@pytest.mark.parametrize("when", [None, 1e300, -1e300, 2.0**63, 253_402_300_800.0, -1e12])
def test_a_moment_that_no_calendar_has_is_not_known(when: float | None) -> None:
    assert (formats.moment(when), formats.iso(when), formats.ago(when)) == ("-", None, "-")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "-"), (0, "-"), (0.00213, "0.00213"), (1234.5, "1,234.50"), (-3, "-3.00"),
        (9.16e-05, "0.0000916"), (9.161e-12, "0.00000000000916"), (0.9949, "0.995"),
        (0.999, "1.00"), (9999.99, "9,999.99"), (9999.999, "10,000"), (12_345.678, "12,345.7"),
        (1_234_567.8, "1,234,570"), (1.5e12, "1,500,000,000,000"), (100_000.0, "100,000"),
    ],
)  # fmt: skip
def test_amounts(amount: float | None, text: str) -> None:
    assert formats.money(amount) == text


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("", "0.0442"), ("$", "$0.0442"), ("€", "€0.0442"), ("USD", "0.0442 USD"),
        ("Fr.", "0.0442 Fr."), ("¢", "¢0.0442"), ("p", "0.0442 p"), ("US$", "0.0442 US$"),
        ("\x1b[", r"0.0442 \x1b["),
    ],
)  # fmt: skip
def test_units(unit: str, text: str) -> None:
    assert formats.money(0.0442, unit) == text
    assert formats.money(0, unit) == "-"

"""The tour of the manual: its output is real."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from cli import tour


def test_the_tour_shows_what_the_commands_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, utc: None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "app", sys)  # so that it is put back
    page = tour.PAGE.read_text(encoding="utf-8")
    tour.make_store(page)
    assert tour.alike(tour.replayed(page)) == tour.alike(page)
    assert (tmp_path / "oslo.png").read_bytes().startswith(b"\x89PNG")

"""The store over LMDB of the guide on metadata stores, in several processes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from beautyspot_testing.shared import Child
from workspace.sources import ROOT
from workspace.test_docs import laid_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PROGRAM = """
import sys, threading
sys.path.insert(0, {folder!r})
import beautyspot as bs
import beautyspot_lmdbstore

url = "lmdb://{folder}/store?lease_time=2"
spot = bs.Spot("app", plugins=[beautyspot_lmdbstore], metadata=url, config=False, strict=True)

@spot.mark
def double(number):
    say("runs")
    wait()
    return number * 2

def begin():
    "Call it in a thread, and say once the call waits for another process."
    thread = threading.Thread(target=lambda: say(double(21)))
    thread.start()
    while thread.is_alive() and not spot.activity().waiting:
        pass
    say("waits" if thread.is_alive() else "runs nothing")
    thread.join()
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[[str], Child]]:
    """Starts a process that has the store, and then does this."""
    laid_out((ROOT / "docs" / "plugins" / "metadata.md").read_text(), tmp_path)
    started: list[Child] = []

    def start(code: str) -> Child:
        started.append(Child(_PROGRAM.format(folder=str(tmp_path)) + code))
        return started[-1]

    yield start
    for child in started:
        child.kill()


def test_one_process_runs_a_call_and_the_other_waits_for_it(
    process: Callable[[str], Child],
) -> None:
    first = process("say(double(21))")
    assert first.heard() == "runs"
    second = process("begin()")
    assert second.heard() == "waits"
    first.go_on()
    assert first.heard() == "42"
    assert second.heard() == "42", "it runs nothing itself"


def test_the_key_of_a_killed_process_falls_to_who_waits(process: Callable[[str], Child]) -> None:
    first = process("say(double(21))")
    assert first.heard() == "runs"
    second = process("begin()")
    assert second.heard() == "waits"
    first.kill()
    assert second.heard() == "runs"
    second.go_on()
    assert second.heard() == "42"


def test_what_another_process_invalidates_meanwhile_is_not_stored(
    process: Callable[[str], Child],
) -> None:
    first = process("say(double(21)); say(spot.peek(double, 21))")
    assert first.heard() == "runs"
    second = process("say(spot.invalidate(double, 21))")
    second.heard()
    first.go_on()
    assert first.heard() == "42"
    assert first.heard() == "None"

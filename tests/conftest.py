"""How many processes run the tests, and where; what the tests of a whole Spot share."""

from __future__ import annotations

import gc
import itertools
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from beautyspot.resilience import circuit_breaker
from beautyspot.resilience.reporting import Trouble
from beautyspot.results import writer
from beautyspot.spot import Spot
from hypothesis import settings
from kinds import RAN
from owned_clock import Clock

MOST_WORKERS = 8
"""More gain little: each imports and collects all that the tests use."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One worker more than processors; none for single files and tests, or where output is shown.

    A worker waits half of its time: for other processes, for servers, for a browser.
    """
    folders = [one for one in config.args if (config.invocation_params.dir / one).is_dir()]
    if not folders or config.option.capture == "no":
        return 0
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(processors + 1, MOST_WORKERS)


settings.register_profile("ours", settings.default, deadline=None)  # a loaded machine fails nothing
settings.load_profile("ours")

IN_MEMORY = "/dev/shm"
ENOUGH = 2**31  # bytes; a run takes a tenth of it


def _has_room(place: str) -> bool:
    try:
        system, free = os.statvfs(place), shutil.disk_usage(place).free
    except OSError:
        return False
    return free > ENOUGH and os.access(place, os.W_OK) and not system.f_flag & os.ST_NOEXEC


# Thousands of databases, each of which waits for the disk several times. To have them elsewhere:
# `--basetemp=`, or either variable.
if sys.platform == "linux" and "TMPDIR" not in os.environ and _has_room(IN_MEMORY):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", IN_MEMORY)

gc.disable()  # until all is collected: there is no garbage among what is imported


def _freeze() -> None:
    """Have the garbage collector leave out what there is: hundreds of tests call it."""
    gc.collect()
    gc.freeze()


def pytest_collection_finish() -> None:
    """What was imported so far, lives until the end."""
    gc.enable()
    _freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """And so does what is left of a file of tests: libraries that they import, and their tables."""
    yield
    if nextitem is not None and nextitem.path != item.path:
        _freeze()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Give memory back, unless somebody may want to see what a test left."""
    folder = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    is_worker = hasattr(session.config, "workerinput")
    if exitstatus == 0 and not is_worker and folder.is_relative_to(IN_MEMORY):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As pytest's own, which lists the folders of all earlier tests to find a number."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    path = tmp_path_factory.getbasetemp() / f"{name}{next(_NUMBERS)}"
    path.mkdir(mode=0o700)
    return path


_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    """What `RAN` holds ran in this test."""
    RAN.clear()


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def make_spot(tmp_path: Path) -> Iterator[Callable[..., Spot]]:
    """Makes Spots below `tmp_path`, and shuts all of them down at the end."""
    spots: list[Spot] = []

    def make(name: str = "app", **options: Any) -> Spot:
        options.setdefault("directory", tmp_path / "cache")
        options.setdefault("config", False)
        spot = Spot(name, **options)
        spots.append(spot)
        return spot

    yield make
    for spot in spots:
        spot.shutdown()


@pytest.fixture
def spot(make_spot: Callable[..., Spot]) -> Spot:
    """A Spot whose own failures raise."""
    return make_spot(strict=True)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is tried again after a twentieth of a second."""
    monkeypatch.setattr(circuit_breaker, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(circuit_breaker, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(writer, "FIRST_PAUSE", 0.05)


@pytest.fixture
def troubles() -> list[Trouble]:
    """What a Spot made with `on_error=troubles.append` could not do."""
    return []

"""A fork while another thread makes what is made once: the child makes its own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

DEADLINE = 30


class Making:
    """Holds the thread that comes first, until it is let go."""

    def __init__(self) -> None:
        self.entered, self.open_gate = threading.Event(), threading.Event()

    def wait(self) -> None:
        if not self.entered.is_set():
            self.entered.set()
            assert self.open_gate.wait(DEADLINE)


@pytest.fixture
def making() -> Iterator[Making]:
    making = Making()
    yield making
    making.open_gate.set()


def assert_a_child_can(work: Callable[[], object]) -> None:
    child = os.fork()
    if child == 0:  # pragma: no cover - coverage does not see into it
        signal.alarm(DEADLINE)  # ends one that hangs
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def meanwhile(work: Callable[[], object], making: Making) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    assert making.entered.wait(DEADLINE)
    return thread


def test_a_store_that_is_made_late(make_spot: Callable[..., Any], making: Making) -> None:
    tries: list[int] = []

    class Far(MemoryMetadataStore):
        name = "far"
        blocking = True

        def __init__(self) -> None:
            tries.append(1)
            if len(tries) == 1:
                raise MetadataError("out of reach")
            making.wait()
            super().__init__()

    spot = make_spot(metadata=Far)
    marked = spot.mark(lambda x: x)
    spot._engine.cache.insist()
    thread = meanwhile(lambda: marked(1), making)

    def child() -> None:
        assert marked(2) == marked(2) == 2
        assert spot.stats()["hits"] == 1

    assert_a_child_can(child)
    making.open_gate.set()
    thread.join()
    assert marked(1) == 1

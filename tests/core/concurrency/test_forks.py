"""A fork while another thread makes what is made once: the child makes its own."""

from __future__ import annotations

import os
import signal
import threading
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.calls import lifecycle
from beautyspot.errors import MetadataError
from beautyspot.memory import MemoryMetadataStore
from beautyspot_local import LocalStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def test_an_engine_that_is_just_made(
    make_spot: Callable[..., Any], making: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = lifecycle.make_engine

    def slowly(*args: Any) -> Any:
        making.wait()
        return real(*args)

    monkeypatch.setattr(lifecycle, "make_engine", slowly)
    spot = make_spot()

    def work(x: int) -> None:
        marked = spot.mark(lambda x: x)
        assert marked(x) == marked(x) == x
        assert spot.stats()["hits"] == 1

    thread = meanwhile(lambda: work(1), making)
    assert_a_child_can(lambda: work(2))
    making.open_gate.set()
    thread.join()


def test_a_storage_that_is_just_made(
    make_spot: Callable[..., Any], making: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = LocalStorage.__init__

    @wraps(real)
    def slowly(storage: LocalStorage, *args: Any, **options: Any) -> None:
        making.wait()
        real(storage, *args, **options)

    monkeypatch.setattr(LocalStorage, "__init__", slowly)
    marked = make_spot(blob_threshold=1).mark(lambda x: "text" * x)
    thread = meanwhile(lambda: marked(1), making)
    assert_a_child_can(lambda: marked(2))
    making.open_gate.set()
    thread.join()

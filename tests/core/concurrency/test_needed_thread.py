"""A thread that runs as long as it is needed: one at a time, and begun again where that failed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from beautyspot.concurrency import deferred
from beautyspot.concurrency.deferred import NeededThread
from gates import DEADLINE, until

if TYPE_CHECKING:
    from collections.abc import Callable


class Pieces:
    """Work in pieces, which a thread takes one after the other."""

    def __init__(self) -> None:
        self.left: list[int] = []
        self.done: list[int] = []
        self.threads: set[threading.Thread] = set()
        self.late: Callable[[], object] = bool
        self.thread = NeededThread("pieces", self.work, lambda: self.left)

    def add(self, piece: int) -> None:
        self.left.append(piece)
        self.thread.begin()

    def work(self) -> None:
        self.threads.add(threading.current_thread())
        while self.left:
            self.done.append(self.left.pop(0))
        late, self.late = self.late, bool
        late()


@pytest.fixture
def pieces() -> Pieces:
    return Pieces()


def test_it_runs_until_nothing_is_left(pieces: Pieces) -> None:
    pieces.add(1)
    until(lambda: not pieces.thread.runs)
    pieces.add(2)
    until(lambda: not pieces.thread.runs)
    assert pieces.done == [1, 2]
    assert {thread.name for thread in pieces.threads} == {"beautyspot-pieces"}


def test_there_is_one_at_a_time(pieces: Pieces) -> None:
    gate = threading.Event()
    pieces.late = lambda: gate.wait(DEADLINE)
    pieces.add(1)
    until(lambda: pieces.done == [1])
    pieces.add(2)
    assert pieces.thread.runs
    assert pieces.done == [1], "no second thread"
    gate.set()
    until(lambda: pieces.done == [1, 2])


def test_what_comes_after_its_last_look_is_done(pieces: Pieces) -> None:
    pieces.late = lambda: pieces.add(2)
    pieces.add(1)
    until(lambda: pieces.done == [1, 2])


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_where_none_was_begun_the_next_call_begins_one(
    pieces: Pieces, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def refuse(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(deferred, "begin", refuse)
        if error is KeyboardInterrupt:
            with pytest.raises(KeyboardInterrupt):
                pieces.add(1)
        else:
            pieces.add(1)
    assert not pieces.thread.runs
    pieces.add(2)
    until(lambda: pieces.done == [1, 2])

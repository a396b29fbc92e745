"""What other threads are just doing, and what a fork waits for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.testing.records import KEYS, a_record
from beautyspot_local.sqlite import database
from beautyspot_local.sqlite.store import SqliteMetadataStore
from beautyspot_local.sqlite.thread_stacks import others_inside

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def stay(there: threading.Event, leave: threading.Event) -> None:
    there.set()
    leave.wait(60)


def test_a_thread_in_a_function_of_a_module_is_inside() -> None:
    there, leave = threading.Event(), threading.Event()
    thread = threading.Thread(target=stay, args=(there, leave))
    thread.start()
    assert there.wait(60)
    assert others_inside(frozenset({__name__}), frozenset())
    assert not others_inside(frozenset({"no.such.module"}), frozenset())
    leave.set()
    thread.join()
    assert not others_inside(frozenset({__name__}), frozenset())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Any]:
    made = SqliteMetadataStore(tmp_path / "store.db", timeout=0.0)
    made.put(a_record())
    yield made
    made.close()


def test_a_fork_goes_on_where_a_lock_is_not_to_be_had(store: Any) -> None:
    """Better a child that may stand still than a parent that does."""
    locks = (store._database.writing, store._database._opening)
    local = store._database.local
    with ThreadPoolExecutor(1) as other:
        for lock in locks:
            other.submit(lock.acquire).result()
        give_back = store._database.hold(0.0)
        assert store._database.local is local
        give_back()
        for lock in locks:
            other.submit(lock.release).result()
    store.put(a_record(KEYS[1]))


def test_a_fork_waits_for_who_is_inside(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [True, True, False]
    monkeypatch.setattr(database, "others_inside", lambda *_: answers.pop(0))
    monkeypatch.setattr(database, "left", lambda deadline: 1.0)
    monkeypatch.setattr(database, "_PAUSE", 0.0)
    database._before_fork()
    database._after_fork_in_parent()
    assert answers == []
    store.put(a_record(KEYS[1]))

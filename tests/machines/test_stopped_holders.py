"""Processes that stand still between `begin` and `put`, on a real server."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from beautyspot.contracts import in_full
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import OTHER, stored, wait_until
from child import Child
from servers.shared import Shared

CLASSES: dict[str, Any] = {"redis": RedisMetadataStore, "postgres": PostgresMetadataStore}

PROGRAM = """
import os
from {module} import {name} as Store
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
store = Store({use!r}, namespace={namespace!r}, lease_time=1)
begun = store.begin(KEYS[:3], MINE)
say(f"{{len(begun.leased)}} {{os.getpid()}}")
wait()
rows = [a_record(key, began_at=begun.now, made_at=begun.now, result_data=b"old") for key in KEYS]
say(str(sorted(stored(store, *rows[:3], token=MINE, since=begun.since))))
"""


@pytest.mark.parametrize("kind", CLASSES)
def test_who_stood_still_beyond_its_leases_stores_what_nobody_else_made(
    kind: str, server: Shared, namespace: str
) -> None:
    """Nothing newer is overwritten, and what was invalidated meanwhile does not come back."""
    cls, use = CLASSES[kind], server.at()["use"]
    module = cls.__module__.partition(".")[0]
    given = {"module": module, "name": cls.__name__, "use": use, "namespace": namespace}
    store = cls(use, namespace=namespace)
    with Child(PROGRAM.format(**given)) as child:
        leased, _, pid = child.heard().partition(" ")
        assert leased == "3"
        os.kill(int(pid), signal.SIGSTOP)
        wait_until(lambda: set(store.begin(KEYS[:3], OTHER).leased) == set(KEYS[:3]))
        now = store.now()
        newer = a_record(began_at=now, made_at=now, result_data=b"newer")
        assert stored(store, newer, token=OTHER) == set()
        store.note(f"key:{KEYS[1]}")
        os.kill(int(pid), signal.SIGCONT)
        child.go_on()
        assert child.heard() == str(sorted(KEYS[:2])), "these are refused"
    found = {key: in_full(row).result_data for key, row in store.find_many(KEYS[:3]).items()}
    assert found == {KEYS[0]: b"newer", KEYS[2]: b"old"}
    assert store.renew([KEYS[2]], OTHER) == set(), "it has ended no lease but its own"
    store.close()

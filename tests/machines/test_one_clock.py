"""Machines whose clocks are hours apart: they agree on what has expired, by the server's clock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from beautyspot.contracts.records import covers_of
from beautyspot.contracts.store import Put
from beautyspot.spot import Spot
from beautyspot_testing.records import KEYS, a_record
from servers.machines import Machine
from servers.shared import Shared

KEPT = """
import beautyspot as bs
spot = bs.Spot("app", directory=FOLDER, metadata=STORE, config=False, strict=True)

@spot.mark(name="kept", ttl="10 minutes")
def kept(number):
    say("ran")
    return number

for number in range(2):
    kept(number)
    say(0 <= spot.last_call().age < 60)
with spot.using(max_age="1 minute"):
    kept(0)
say(spot.prune(expired=True, older_than="1 minute").entries)
say(len(list(bs.open_store(spot).rows(newer="1 minute"))))
spot.shutdown()
"""


def test_machines_whose_clocks_are_hours_apart_agree_on_ages(
    server: Shared, namespace: str, tmp_path: Path
) -> None:
    said = []
    for clock in (3600.0, -3600.0):
        machine = Machine(tmp_path / str(clock), {"STORE": server.at(namespace=namespace)}, clock)
        with machine.running(KEPT) as program:
            said.append(program.rest())
    assert said == [["ran", "True", "ran", "True", "0", "2"], ["True", "True", "0", "2"]]


# ---- the numbers of what was invalidated are times, so a time stands for one that is not known


def test_a_call_whose_beginning_could_not_be_asked_is_stored(
    make_spot: Callable[..., Spot], server: Shared, namespace: str
) -> None:
    """Core then gives a time before it; what was invalidated after that is not stored."""
    store = make_spot(metadata=server.at(namespace=namespace)).metadata
    noted, other = (a_record(key, began_at=1.0) for key in KEYS[:2])
    store.note(covers_of(noted)[0])
    before = int((store.now() - 60) * 1e6)
    rows = [Put(record, covers_of(record), before) for record in (noted, other)]
    assert store.put(rows) == {noted.cache_key}
    later = int((store.now() + 60) * 1e6)
    assert store.put([Put(noted, covers_of(noted), later)]) == set()

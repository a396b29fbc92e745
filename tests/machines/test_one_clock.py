"""Machines whose clocks are hours apart: they agree on what has expired, by the server's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.machines import Machine

if TYPE_CHECKING:
    from pathlib import Path

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

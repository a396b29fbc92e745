"""The protocol of `row_memory` as a small machine, and all that can happen to it.

Every order of the steps of a writer, a checkpoint, kills, the clock, and the three things that a
reader does is tried (breadth first, a few ten thousand states): no row that is handed out differs
from what a SELECT would see at that moment. Each mutation takes out one defence, and is caught.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import pytest

TICKS, COMMITS, KILLS, LOOKS = 3, 2, 2, 2
"""How often each of these may happen; one more of any finds nothing else, only more slowly."""


class State(NamedTuple):
    # The file system, and SQLite's shared memory.
    clock: int = 1  # ticks of the clock that stamps files
    stamp: int = 0  # the -wal's time of change
    seen: int = 0  # the version of the row that the index shows
    above: int = 0  # the version in the log above what the index shows; 0: no whole commit
    whole: bool = True  # False: the index is half written, or fresh; the next one recovers it
    lock: str = ""  # who writes
    # Other processes.
    writer: str = "idle"
    restart: str = "idle"
    versions: int = 0  # written so far
    kills: int = 0
    # The process that keeps rows.
    open: bool = True  # whether it has a connection
    look: str = "idle"
    looks: int = 0
    taken: int = -1  # the time that the look took
    kept: tuple[int, int, int] | None = None  # number and time of the snapshot, version or -1
    reading: int | None = None  # the snapshot that the SELECT has in hand; 0: none was there
    read: int = -1  # the version that it read
    hit: tuple[int, int, int] | None = None  # what the look into memory has in hand


class Stale(Exception):
    """A row was handed out that no SELECT would have seen."""


def selected(state):
    """What a SELECT sees, and the state that it leaves; None where it has to wait."""
    if state.whole:
        return state
    if state.lock:
        return None
    return state._replace(whole=True, seen=state.above or state.seen, above=0)


def writing(state, mutations):
    """A commit: lock, write(2), index; a rollback; and the end by a kill."""
    at = state.writer
    if at == "idle" and not state.lock and state.versions < COMMITS:
        ready = selected(state)
        yield "lock", ready._replace(lock="W", writer="locked")
    if at == "locked":
        version = state.versions + 1
        written = state._replace(stamp=state.clock, above=version, versions=version)
        yield "write", written._replace(writer="written")
        # Frames that did not fit into memory, written early, and a rollback: the index stays.
        yield "spill", state._replace(stamp=state.clock, above=0)
        yield "rollback", state._replace(lock="", writer="idle")
    if at == "written":
        yield "half an index", state._replace(whole=False, writer="half")
        yield "error of the disk", state._replace(lock="", writer="idle")
    if at == "half":
        done = state._replace(whole=True, seen=state.above, above=0, writer="shown")
        yield "index", done
    if at == "shown":
        yield "unlock", state._replace(lock="", writer="idle")
    if at != "idle" and state.kills < KILLS:
        yield "kill", state._replace(lock="", writer="idle", kills=state.kills + 1)


def restarting(state, mutations):
    """A checkpoint that starts the log anew: under the lock, by the index alone, or cutting it."""
    at = state.restart
    if at == "idle" and not state.lock and (ready := selected(state)) is not None:
        yield "restart", ready._replace(lock="R", restart="locked")
    if at == "locked":
        yield "half a new start", state._replace(whole=False, restart="half")
        yield "cut", state._replace(stamp=state.clock, above=0, restart="idle", lock="")
    if at == "half":
        yield "new start", state._replace(whole=True, restart="idle", lock="")
        if "a kill while the log starts anew" in mutations and state.kills < KILLS:
            yield (
                "kill of a restart",
                state._replace(lock="", restart="idle", kills=state.kills + 1),
            )


def surroundings(state, mutations):
    """Time, and the life of connections."""
    if state.clock < TICKS:
        yield "tick", state._replace(clock=state.clock + 1)
    if "a clock that is put back" in mutations and state.clock > 1:
        yield "clock back", state._replace(clock=state.clock - 1)
    idle = state.look == "idle" and state.reading is None
    if state.open and idle and (state.kept is None or "no connection held" in mutations):
        yield "its thread ends", state._replace(open=False)
    if not state.open and not state.lock and state.restart == "idle":
        yield "all others are killed, and one opens the file", state._replace(whole=False)


def looking(state, mutations):
    """Whether the database is at rest: lock, take the time, unlock, keep rows from here on."""
    at, unlocked = state.look, "no lock" in mutations
    if at == "idle" and state.looks < LOOKS and (unlocked or not state.lock):
        ready = selected(state) if not state.lock else state
        lock = state.lock if unlocked else "L"
        begun = ready._replace(look="locked", looks=state.looks + 1, open=True, lock=lock)
        yield "look", begun
    late = "time taken after the lock" in mutations
    if at == ("released" if late else "locked"):
        if state.stamp < state.clock or "no margin" in mutations:
            lock = state.lock if late or unlocked else ""
            yield "take the time", state._replace(look="taken", taken=state.stamp, lock=lock)
        else:
            lock = state.lock if unlocked or late else ""
            yield "not quiet", state._replace(look="idle", lock=lock)
    if at == "locked" and late:
        yield "release", state._replace(look="released", lock="")
    if at == "taken":
        kept = (state.looks, state.taken, -1)
        yield "keep from here", state._replace(look="idle", kept=kept)


def reading(state, mutations):
    """A SELECT, its row kept with the snapshot that was there before."""
    if state.reading is None:
        yield (
            "begin a SELECT",
            state._replace(reading=state.kept[0] if state.kept else 0, open=True),
        )
    elif state.read < 0:
        if (ready := selected(state)) is not None:
            yield "SELECT", ready._replace(read=ready.seen)
    else:
        kept = state.kept
        fits = kept is not None and (
            kept[0] == state.reading or "kept with a later snapshot" in mutations
        )
        if fits:
            kept = (*kept[:2], state.read)
        yield "keep", state._replace(kept=kept, reading=None, read=-1)


def hitting(state, mutations):
    """A hit: the row in memory, then the time of the file; handed out where it is the same."""
    if state.hit is None:
        if state.kept is not None and state.kept[2] >= 0:
            yield "find", state._replace(hit=state.kept)
        return
    number, time, version = state.hit
    if state.stamp == time or "no look at the time" in mutations:
        now = selected(state) or state  # where it has to wait, nothing was written yet
        if now.seen != version:
            raise Stale(f"version {version}, where a SELECT sees {now.seen}")
        yield "hand out", state._replace(hit=None)
    else:
        dropped = None if state.kept and state.kept[0] == number else state.kept
        yield "drop", state._replace(hit=None, kept=dropped)


ACTORS = (writing, restarting, surroundings, looking, reading, hitting)


def explore(*mutations):
    """All states that can be reached; or the shortest way to a stale row, as names of steps."""
    start = State()
    came_from = {start: None}
    todo = deque([start])
    while todo:
        state = todo.popleft()
        try:
            following = [step for actor in ACTORS for step in actor(state, mutations)]
        except Stale as stale:
            return [*way(came_from, state), str(stale)]
        for name, after in following:
            if after not in came_from:
                came_from[after] = (name, state)
                todo.append(after)
    return came_from


def way(came_from, state):
    names = []
    while (step := came_from[state]) is not None:
        name, state = step
        names.append(name)
    return names[::-1]


@pytest.mark.slow
def test_no_order_of_events_hands_out_a_stale_row():
    states = explore()
    assert isinstance(states, dict), states
    handed_out = [state for state in states if state.hit and state.stamp == state.hit[1]]
    assert {state.hit[2] for state in handed_out} == {0, 1, 2}, "each version was, from memory"
    assert any(state.above and state.hit for state in handed_out), "above a commit half-way, too"
    assert any(state.kills == KILLS for state in handed_out)


@pytest.mark.parametrize(
    "mutation",
    [
        "no lock",
        *(
            pytest.param(other, marks=pytest.mark.slow)  # the model stays what it is
            for other in (
                "time taken after the lock",
                "no margin",
                "kept with a later snapshot",
                "no connection held",
                "no look at the time",
            )
        ),
    ],
)
def test_each_defence_is_needed(mutation):
    assert isinstance(explore(mutation), list)


@pytest.mark.slow
@pytest.mark.parametrize(
    "mutation", ["a kill while the log starts anew", "a clock that is put back"]
)
def test_what_is_not_excluded_is_known(mutation):
    """Why a snapshot ends after `LONGEST` seconds, whatever the file says."""
    assert isinstance(explore(mutation), list)

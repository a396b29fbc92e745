"""`SharedTokenBucket`: one limit for several processes, over a file."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from beautyspot.contracts import LimiterBase
from beautyspot.errors import ConfigError
from beautyspot_local import SharedTokenBucket, shared_file
from beautyspot_local.shared_file import ENTRY, HEADER, MAGIC, boot_id
from gates import DEADLINE
from owned_clock import Clock

fcntl = pytest.importorskip("fcntl")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "app.limit"


@pytest.fixture
def bucket(path: Path, clock: Clock) -> SharedTokenBucket:
    return SharedTokenBucket(1, 100, path=path, clock=clock)


def another(path: Path, clock: Clock) -> SharedTokenBucket:
    return SharedTokenBucket(1, 100, path=path, clock=clock)


def joined(path: Path, clock: Clock, *names: str) -> LimiterBase:
    limits = {name: another(path, clock) for name in names}
    joint = SharedTokenBucket.together(limits)
    assert joint is not None
    return joint


def wait(bucket: LimiterBase, cost: float = 1, *, name: str = "rate", key: str = "") -> float:
    """How long a call has to wait; it is granted if that is 0."""
    return bucket.take([{name: cost}], key)[1]


# ---------------------------------------------------------------------- what is shared


def test_what_is_taken_and_given_back_and_paused_is_so_for_all(
    bucket: SharedTokenBucket, path: Path, clock: Clock
) -> None:
    other = another(path, clock)
    grant = bucket.consume(50)
    assert wait(other) == 50
    bucket.settle(grant, 20)
    assert wait(other) == 20
    bucket.pause(30)
    assert [wait(other), wait(other, key="one")] == [30, 30]
    assert other.tat == bucket.tat == clock() + 20


def test_a_key_is_shared(bucket: SharedTokenBucket, path: Path, clock: Clock) -> None:
    other = another(path, clock)
    waits = [wait(each, key=key) for key in ("a/../b\ud800", "c") for each in (bucket, other)]
    assert waits == [0, 1, 0, 1]
    assert len(list(path.with_name("app.limit.keys").iterdir())) == 2


def test_limits_of_one_file_and_of_several(path: Path, clock: Clock) -> None:
    """Those of other names keep their time, also where the clock was turned back."""
    left, right = joined(path, clock, "a", "b"), joined(path, clock, "b", "c")
    assert not wait(right, 5, name="c")
    assert not wait(left, 3, name="b")
    assert [wait(right, name="b"), wait(left, name="a")] == [3, 0]
    clock.now -= 500
    assert wait(left, name="b") == 3
    assert wait(right, name="c") == 5
    places = {"a": another(path, clock), "b": another(path.with_name("other"), clock)}
    assert SharedTokenBucket.together(places) is None


def test_more_limits_than_the_file_has_room_for(path: Path, clock: Clock, caplog: Any) -> None:
    """What ends last stays."""
    names = [str(number) for number in range(200)]
    limits = joined(path, clock, *names)
    for number, name in reversed([*enumerate(names)]):
        assert not wait(limits, 1 + number / 4, name=name)
    assert [wait(limits, name=name) for name in names[-100:]] == [
        1 + number / 4 for number in range(100, 200)
    ]
    assert path.stat().st_size <= 4096
    assert not caplog.messages


def test_the_file_is_private_and_small(bucket: SharedTokenBucket, path: Path) -> None:
    bucket.consume()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == HEADER.size + ENTRY.size


@pytest.mark.parametrize("bad", [None, 3.5, ["a"]])
def test_what_is_no_path(bad: Any) -> None:
    with pytest.raises(ConfigError, match="path="):
        SharedTokenBucket(1, path=bad)


# ---------------------------------------------------------------------- the file's accidents


def test_a_restarted_machine_begins_anew(
    bucket: SharedTokenBucket, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    bucket.consume(100)
    monkeypatch.setattr(shared_file, "boot_id", lambda: b"another boot ...")
    other = another(path, Clock(3))
    assert [wait(other), wait(other)] == [0, 1]
    assert not caplog.messages, "nothing is wrong with that"


def state(*numbers: float, magic: bytes = MAGIC, count: int = 1) -> bytes:
    """What was seen, the end of the pause, and the ends of limits."""
    ends = [ENTRY.pack(bytes(16), end) for end in numbers[2:]]
    return HEADER.pack(magic, boot_id(), *numbers[:2], 0, 0, 0, count) + b"".join(ends)


DAMAGES = {
    "a part": MAGIC,
    "text": b"x" * 200,
    "another format": state(1, 1, 1, magic=b"bsrate99"),
    "an end that never comes": state(1, 1, math.inf),
    "a pause that never ends": state(1, math.inf, 1),
    "no number": state(1, 1, math.nan),
    "limits that are not there": state(1, 1, 1, count=5),
    "limits without number": state(1, 1, 1, count=2**63),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_begins_anew_with_one_warning(
    bucket: SharedTokenBucket, path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    bucket.consume()
    for _ in range(2):
        path.write_bytes(damage)
        assert [wait(bucket), wait(bucket)] == [0, 1]
    assert [message.partition("was ")[2] for message in caplog.messages] == [
        "damaged, and begins anew"
    ]


@pytest.mark.parametrize("how", [Path.unlink, lambda path: path.rename(path.with_name("moved"))])
def test_a_file_that_is_gone_is_found_out(
    how: Any, bucket: SharedTokenBucket, path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.consume(50)
    monkeypatch.setattr(shared_file, "LOOK", -1)
    how(path)
    other = another(path, clock)
    assert [wait(bucket), wait(other), wait(bucket)] == [0, 1, 1]
    how(path)
    assert wait(bucket) == 0


def test_a_closed_one_opens_its_file_again(bucket: SharedTokenBucket) -> None:
    bucket.consume()
    for _ in range(2):
        bucket.close()
    assert wait(bucket) == 1


# ---------------------------------------------------------------------- the lock


def test_a_lock_that_stays_is_an_error_and_not_for_ever(
    bucket: SharedTokenBucket, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.consume()
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        monkeypatch.setattr(shared_file, "LOCK_TIMEOUT", 0.001)
        monkeypatch.setattr(shared_file.time, "sleep", lambda _: None)
        with pytest.raises(TimeoutError, match="let it go on, or end it"):
            bucket.consume()
    with ThreadPoolExecutor(1) as others:  # the lock lets its holder in again
        assert others.submit(wait, bucket).result(DEADLINE) == 1, "usable again"

"""A backend that keeps failing is left alone, asked again by one probe, and said once an outage."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.errors import (
    BlobNotFound,
    CostError,
    MetadataBusyError,
    MetadataError,
    NotSupportedError,
    StorageError,
)
from beautyspot.resilience import circuit_breaker, guarded_backends
from beautyspot.resilience.circuit_breaker import Breaker, Resting
from beautyspot.resilience.guarded_backends import GuardedStorage, GuardedStore
from beautyspot.resilience.health import Health
from beautyspot.resilience.reporting import Reporter, Trouble
from broken import Broken, BrokenStorage, BrokenStore
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.spot import Spot


def failing(clock: Clock, seconds: float = 0.0, error: type[Exception] = Broken) -> Any:
    def work() -> None:
        clock.now += seconds
        raise error("down")

    return work


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def changes() -> list[bool]:
    return []


@pytest.fixture
def guarded(clock: Clock, changes: list[bool]) -> Breaker:
    return Breaker("the store", on_change=changes.append, clock=clock)


def fail(guarded: Breaker, work: Any, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Exception, match="down"):
            guarded(work)


def test_three_failures_in_a_row_open_it(
    guarded: Breaker, clock: Clock, changes: list[bool]
) -> None:
    fail(guarded, failing(clock), 2)
    assert guarded(lambda: 5) == 5
    fail(guarded, failing(clock), 2)
    assert not guarded.is_open
    fail(guarded, failing(clock))
    assert guarded.is_open
    with pytest.raises(Resting, match=r"the store failed 3 times \(Broken: down\).* 1 s: mend it"):
        guarded(lambda: 5)
    assert changes == [False, True]


def test_a_slow_failure_opens_it_at_once(guarded: Breaker, clock: Clock) -> None:
    fail(guarded, failing(clock, seconds=1.5))
    assert guarded.is_resting()


def test_the_pause_doubles_up_to_a_minute(guarded: Breaker, clock: Clock) -> None:
    fail(guarded, failing(clock), 3)
    pauses = []
    for _ in range(8):
        before = clock.now
        while guarded.is_resting():
            clock.now += 0.5
        pauses.append(clock.now - before)
        fail(guarded, failing(clock))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_one_caller_probes_and_its_success_lets_all_in(
    guarded: Breaker, clock: Clock, changes: list[bool]
) -> None:
    fail(guarded, failing(clock), 3)
    clock.now += 1

    def probe() -> str:
        with pytest.raises(Resting):
            guarded(lambda: "a second one")
        return "fine"

    assert guarded(probe) == "fine"
    assert guarded(lambda: 1) == 1
    assert changes == [True, False]


def test_a_probe_that_never_ends_is_followed_by_another(guarded: Breaker, clock: Clock) -> None:
    fail(guarded, failing(clock), 3)
    clock.now += 1
    guarded.enter()
    clock.now += circuit_breaker.PROBE
    assert guarded(lambda: 1) == 1


def test_insisting_ends_the_pause(guarded: Breaker, clock: Clock) -> None:
    guarded.insist()
    fail(guarded, failing(clock), 3)
    guarded.insist()
    assert guarded(lambda: 1) == 1


@pytest.mark.parametrize("error", [BlobNotFound, MetadataBusyError, Resting])
def test_an_answer_is_no_failure(guarded: Breaker, clock: Clock, error: type[Exception]) -> None:
    fail(guarded, failing(clock, error=error), 5)
    assert not guarded.is_open


def test_an_answer_ends_an_outage(guarded: Breaker, clock: Clock) -> None:
    fail(guarded, failing(clock), 3)
    clock.now += 1
    fail(guarded, failing(clock, error=BlobNotFound))
    assert not guarded.is_open


def test_operations_that_fail_at_once_are_one_outage(guarded: Breaker, clock: Clock) -> None:
    began = [guarded.enter() for _ in range(8)]
    clock.now += 5
    for each in began:
        guarded.leave(each, Broken("down"))
    clock.now += 1
    fail(guarded, failing(clock))
    clock.now += 1.9
    with pytest.raises(Resting, match="another 0 s"):
        guarded(int)
    clock.now += 0.1
    assert guarded(int) == 0, "the second pause is two seconds"


def test_one_that_was_told_to_try_rests_no_longer_for_it(guarded: Breaker, clock: Clock) -> None:
    fail(guarded, failing(clock), 3)
    for _ in range(5):
        guarded.insist()
        fail(guarded, failing(clock))
    assert guarded.rest_left() == 2, "the pause that follows the first one"


@pytest.fixture
def kin(clock: Clock) -> tuple[Breaker, Breaker]:
    one, other = Breaker("saves", clock=clock), Breaker("look-ups", clock=clock)
    one.kin, other.kin = (other,), (one,)
    return one, other


def test_kin_rest_where_one_waited_for_long(kin: tuple[Breaker, Breaker], clock: Clock) -> None:
    one, other = kin
    fail(one, failing(clock), 3)
    assert [one.is_open, other.is_open] == [True, False], "a full disk stops no look-up"
    clock.now += 1
    fail(one, failing(clock, seconds=5))
    assert [one.rest_left(), other.rest_left()] == [2, 2]
    with pytest.raises(Resting, match=r"look-ups waits for the server, .*: down\)") as told:
        other(int)
    assert told.value.is_news, "nobody was told yet that this one rests too"
    with pytest.raises(Resting) as told:
        other(int)
    assert not told.value.is_news


def test_kin_wait_while_one_probes(kin: tuple[Breaker, Breaker], clock: Clock) -> None:
    one, other = kin
    fail(one, failing(clock, seconds=5))
    clock.now += 1
    began = one.enter()
    with pytest.raises(Resting, match="not asked while another call tries: mend it"):
        other(int)
    one.leave(began)
    assert [one.is_open, other.is_open] == [False, False], "what it said holds for all"
    fail(other, failing(clock), 3)
    fail(one, failing(clock, seconds=5))
    clock.now += 1
    assert one(int) == 0
    assert other.is_open, "of its own failures nothing is known"
    assert other(int) == 0, "but it is tried"


def test_a_probe_that_fails_holds_up_no_kin(kin: tuple[Breaker, Breaker], clock: Clock) -> None:
    """They would rest for as long as it may take, though it has ended."""
    one, other = kin
    fail(one, failing(clock), 3)
    fail(other, failing(clock), 3)
    clock.now += 1
    fail(one, failing(clock))
    assert [one.rest_left(), other.rest_left()] == [2, 2]
    clock.now += 2
    assert other(int) == 0


@pytest.mark.parametrize("error", [MetadataBusyError, NotSupportedError])
def test_a_probe_that_tells_nothing_is_followed_by_another(
    kin: tuple[Breaker, Breaker], clock: Clock, error: type[Exception]
) -> None:
    one, other = kin
    fail(one, failing(clock), 3)
    fail(other, failing(clock), 3)
    clock.now += 1
    fail(one, failing(clock, error=error))
    assert one.is_open
    assert other.is_open
    assert [other(int), one(int)] == [0, 0]


def test_a_probe_that_met_another_pause_is_over(kin: tuple[Breaker, Breaker], clock: Clock) -> None:
    one, other = kin
    fail(one, failing(clock, seconds=5))
    clock.now += 1
    fail(one, failing(clock, error=Resting))
    assert [one.rest_left(), other.rest_left()] == [0, 0], "nobody was asked"


def test_a_call_of_a_server_that_hangs_waits_once(clock: Clock) -> None:
    class Server(BrokenStore):
        blocking, keeps_deadlines, asked = True, True, 0

        def _may(self, operation: str) -> None:
            self.asked += 1
            clock.now += 0.3
            raise MetadataError("no answer")

    server = Server()
    store = GuardedStore(server, Health(Reporter("app"), clock))
    operations: list[Callable[[], object]] = [
        lambda: store.find("k"), lambda: store.try_lease("k"), store.generation,
        lambda: store.put_many([]), lambda: store.delete("k"), store.open,
    ]  # fmt: skip
    for operation in operations:
        with pytest.raises(MetadataError):
            operation()
    assert server.asked == 1


def test_a_refusal_without_asking_is_no_news(guarded: Breaker, clock: Clock) -> None:
    fail(guarded, failing(clock), 3)
    clock.now += 1
    fail(guarded, failing(clock, error=CostError))
    assert guarded.is_open, "nobody asked it"
    assert guarded(lambda: 1) == 1, "so another caller does"
    fail(guarded, failing(clock, error=NotSupportedError), 3)
    assert not guarded.is_open


def test_being_busy_for_long_is_a_failure(guarded: Breaker, clock: Clock) -> None:
    fail(guarded, failing(clock, seconds=5, error=MetadataBusyError))
    assert guarded.is_open


def test_an_interruption_counts_for_nothing(guarded: Breaker) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            guarded(interrupted)
    assert not guarded.is_open


def test_a_block_can_be_watched(guarded: Breaker, clock: Clock) -> None:
    for _ in range(3):
        with pytest.raises(Broken), guarded.watching():
            raise Broken("down")
    with pytest.raises(Resting), guarded.watching():
        pass
    clock.now += 1
    with guarded.watching():
        pass
    assert not guarded.is_open
    guarded.reset_after_fork()


# ------------------------------------------------------------------------- guarded backends


class Hanging(BrokenStore):
    """Answers when it is released."""

    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def find(self, key: str) -> Any:
        assert self.released.wait(30)
        return super().find(key)

    def put(self, record: Any) -> None:
        assert self.released.wait(30)
        super().put(record)


class HangingStorage(BrokenStorage):
    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def save(self, key: str, data: Any, *, content_type: str | None = None) -> str:
        assert self.released.wait(30)
        return super().save(key, data, content_type=content_type)

    def load(self, location: str) -> bytes:
        assert self.released.wait(30)
        return super().load(location)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_backends, "METADATA_DEADLINE", 0.05)
    monkeypatch.setattr(guarded_backends, "BLOB_DEADLINE", 0.05)


@pytest.mark.usefixtures("impatient")
def test_a_backend_that_hangs_is_given_up() -> None:
    store, storage = Hanging(), HangingStorage()
    health = Health(Reporter("app"))
    with pytest.raises(MetadataError, match="no answer within 0 s: check"):
        GuardedStore(store, health).find("k")
    with pytest.raises(StorageError, match="no answer within 0 s: check"):
        GuardedStorage(storage, health).load("k")
    store.released.set(), storage.released.set()
    with pytest.raises(BlobNotFound):
        GuardedStorage(storage, health).load("k")


@pytest.mark.parametrize("keeps", [False, True])
def test_a_store_that_ends_by_itself_needs_no_other_thread(keeps: bool) -> None:
    asked: set[int] = set()

    class Remote(BrokenStore):
        blocking, keeps_deadlines = True, keeps

        def find(self, key: str) -> Any:
            asked.add(threading.get_ident())

        def scan(self, **_: Any) -> Iterator[Any]:
            asked.add(threading.get_ident())
            return iter(())

    store = GuardedStore(Remote(), Health(Reporter("app")))
    store.find("k")
    assert not [*store.scan()]
    assert asked
    assert (asked == {threading.get_ident()}) == keeps


def test_a_blocking_store_that_is_busy_says_so() -> None:
    class Busy(BrokenStore):
        blocking = True

        def find(self, key: str) -> Any:
            raise MetadataBusyError("locked")

    with pytest.raises(MetadataBusyError, match="locked"):
        GuardedStore(Busy(), Health(Reporter("app"))).find("k")


def test_a_guarded_backend_is_like_its_own(tmp_path: Any) -> None:
    from beautyspot_local import LocalStorage
    from beautyspot_testing.records import KEYS, a_record

    health = Health(Reporter("app"))
    store = GuardedStore(BrokenStore(), health)
    store.open()
    store.put_many([a_record()])
    store.touch({KEYS[0]: 5.0})
    assert [record.used_at for record in store.scan()] == [5.0]
    assert store.get(KEYS[0]) is not None
    assert store.totals().entries == 1
    assert store.leases
    assert store.store_id == store.real.store_id
    store.close()
    storage = GuardedStorage(LocalStorage(tmp_path), health)
    location = storage.save("a/b.bin", b"x")
    assert [blob.location for blob in storage.list("a/")] == [location]
    storage.delete(location)
    storage.close()


# ----------------------------------------------------------------------------- a whole Spot


QUESTIONS: dict[str, Callable[[Spot, Any], object]] = {
    "prune": lambda spot, _: spot.prune(max_size=0).entries,
    "invalidate": lambda spot, marked: spot.invalidate(marked, 1),
    "invalidate_all": lambda spot, marked: spot.invalidate_all(marked),
}


def leave_alone(spot: Spot, clock: Clock) -> None:
    """Have all of the Spot's breakers open, though its backends work."""
    at(spot, clock)
    for one in spot._engine.cache.health.breakers:
        one.leave(clock.now - 2 * circuit_breaker.SLOW, Broken("down"))
        assert one.is_resting()


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_the_user_asks_for_is_tried_while_calls_leave_the_store_alone(
    make_spot: Callable[..., Spot], clock: Clock, question: str
) -> None:
    storage = BrokenStorage()
    spot = make_spot(metadata=BrokenStore(), storage=storage)
    marked = spot.mark(save_blob=True)(double)
    marked(1)
    leave_alone(spot, clock)
    assert QUESTIONS[question](spot, marked) == 1
    assert list(storage.list()) == [], "the blob as well"


def test_a_collection_is_tried_while_calls_leave_the_store_alone(
    make_spot: Callable[..., Spot], clock: Clock
) -> None:
    store, storage = BrokenStore(), BrokenStorage()
    spot = make_spot(metadata=store, storage=storage)
    storage.save(f"{store.store_id}/00/{'0' * 32}-00000000.bin", b"of a killed process")
    leave_alone(spot, clock)
    assert spot.collect(grace=0).blobs == 1


def test_what_prune_has_freed_is_used_at_once(make_spot: Callable[..., Spot], clock: Clock) -> None:
    spot = make_spot(metadata=BrokenStore())
    spot.mark(double)(1)
    leave_alone(spot, clock)
    writes = spot._engine.cache.health.writes
    assert spot.prune().entries == 0
    assert writes.is_resting(), "nothing was freed"
    assert spot.prune(max_size=0).entries == 1
    assert not writes.is_resting()


def double(x: int) -> int:
    return x * 2


def at(spot: Spot, clock: Clock) -> None:
    for one in spot._engine.cache.health.breakers:
        one._clock = clock


def test_a_store_that_rests_is_not_asked(
    make_spot: Callable[..., Spot], clock: Clock, troubles: list[Trouble]
) -> None:
    class Counting(BrokenStore):
        asked = 0

        def find(self, key: str) -> Any:
            self.asked += 1
            return super().find(key)

    store = Counting("find", "put", "put_many", "try_lease")
    spot = make_spot(metadata=store, on_error=troubles.append)
    at(spot, clock)
    marked = spot.mark(double)
    later = spot.mark(name="later")(make_async(double))
    for x in range(5):
        assert marked(x) == x * 2
    asked, told = store.asked, len(troubles)
    for x in range(5, 50):
        assert marked(x) == x * 2
        assert asyncio.run(later(x)) == x * 2
    assert store.asked == asked
    assert len(troubles) == told
    stats = spot.stats()
    assert stats["resting"] == 3
    assert stats["unsaved"] == 95
    store.broken.clear()
    clock.now += 60
    assert marked(50) == 100
    assert spot.flush()
    assert store.totals().entries == 96, "what waited in memory is stored"
    assert spot.stats()["resting"] == 0
    assert [marked(x) for x in range(51)] == [x * 2 for x in range(51)]
    assert spot.stats()["hits"] == 51


def make_async(function: Any) -> Any:
    async def later(x: int) -> Any:
        return function(x)

    return later


def test_statistics_of_a_store_that_fails(make_spot: Callable[..., Spot]) -> None:
    class Uncountable(BrokenStore):
        def totals(self) -> Any:
            raise MetadataError("down")

    stats = make_spot(metadata=Uncountable()).stats()
    assert stats["entries"] != stats["entries"], "NaN"


def test_an_outage_is_said_once_whoever_meets_it(
    make_spot: Callable[..., Spot], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    class Down(BrokenStore):
        down = True

        def _may(self, operation: str) -> None:
            if self.down:
                raise MetadataError(f"can't {operation}: start the server")

    store = Down()
    spot = make_spot(metadata=store)
    first, second = spot.mark(name="one")(double), spot.mark(name="two")(double)
    for x in range(5):
        first(x), second(x)
    now = f"Until that is mended ({spot.db_path}), results are kept in memory only, as far as "
    now += "there is room; directory= or BEAUTYSPOT_DIRECTORY chooses another place"
    assert [record.message for record in caplog.records] == [
        f"app: could not open the metadata store: MetadataError: can't open: start the server. {now}"  # noqa: E501
    ]
    store.down = False
    spot._engine.reporter._clock = clock
    clock.now = time.monotonic() + 61
    assert spot.flush()
    first(9)
    store.down = True
    for x in range(10, 15):
        first(x), second(x)
    said = [re.sub(r" for .*|[(].*[)] ", "", record.message) for record in caplog.records[1:]]
    news = [
        "app: the metadata store works again",
        "app: could not look up",
        "app: could not take a lease",
        "app: could not save the result",
    ]
    assert said == news, "the next outage is news, once an operation"
    store.down = False
    spot.flush()
    first(20)
    assert spot.flush()
    store.down = True
    first(21)
    assert caplog.records[5].message.endswith("works again")
    assert len(caplog.records) == 6, "but not every second"
    store.down = False


def test_a_limiter_that_keeps_failing_is_not_asked(make_spot: Callable[..., Spot]) -> None:
    from beautyspot.contracts import LimiterBase

    class Down(LimiterBase):
        name = "down"
        asked = 0

        def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Any:
            self.asked += 1
            raise Broken("down")

        def release(self, reservation: Any) -> None:
            raise Broken("down")

    limiter = Down()
    spot = make_spot(limiter=limiter)
    limited = spot.limiter(double)
    later = spot.limiter(make_async(double))
    assert [limited(x) for x in range(6)] == [0, 2, 4, 6, 8, 10]
    assert asyncio.run(later(1)) == 2
    assert limiter.asked == 3
    assert spot.stats()["resting"] == 1

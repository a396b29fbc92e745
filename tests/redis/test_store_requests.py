"""How often the server is asked: promises of the manual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from beautyspot.contracts import Counts, Selection
from beautyspot.contracts.store import listed
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored

MANY = [f"{number:032x}" for number in range(1000, 1600)]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], list[str]]:
    """Which commands a function sends, by any connection of this process."""
    from redis.connection import Connection

    sent: list[str] = []
    real = Connection.send_command

    def send_command(self: Connection, *command: Any, **options: Any) -> None:
        sent.append(command[0])
        real(self, *command, **options)

    monkeypatch.setattr(Connection, "send_command", send_command)

    def by(function: Callable[[], Any]) -> list[str]:
        sent.clear()
        function()
        return [*sent]

    return by


def test_a_hit_is_one_question_and_a_miss_three(store: RedisMetadataStore, asked: Any) -> None:
    def miss(key: str, token: str = MINE) -> None:
        assert store.find(key) is None
        begun = store.begin([key], token)
        assert [*begun.leased] == [key]
        record = a_record(key, began_at=begun.now, made_at=begun.now)
        assert stored(store, record, token=token, since=begun.since) == set()

    miss(KEYS[0])  # which opens the store, and sends the scripts
    assert asked(lambda: miss(KEYS[1])) == ["GET", "EVALSHA", "EVALSHA"]
    assert asked(lambda: store.find(KEYS[1])) == ["GET"]
    assert asked(lambda: store.begin([KEYS[1]], MINE)) == ["EVALSHA"]
    assert asked(lambda: store.get(KEYS[1])) == ["GET"]


def test_many_keys_are_one_question_each_time(store: RedisMetadataStore, asked: Any) -> None:
    made_at = a_record().made_at
    for _ in range(2):  # the server is sent the scripts with the first
        begun = store.begin(MANY, MINE)
        assert set(begun.leased) == set(MANY)
        records = [a_record(key) for key in MANY]
        questions: list[Callable[[], Any]] = [
            lambda: store.find_many(MANY),
            lambda: store.begin(MANY, MINE),
            lambda: store.renew(MANY, MINE),
            lambda: stored(store, *records, token=MINE, since=begun.since),  # noqa: B023
            lambda: store.touch(dict.fromkeys(MANY, 5.0)),
            lambda: store.delete(dict.fromkeys(MANY, made_at)),
            lambda: store.release(MANY, MINE),
        ]
        commands = [asked(question) for question in questions]
    assert commands == [["EVALSHA"]] * len(questions)
    assert store.most_leases == len(MANY)
    stored(store, *map(a_record, MANY))
    assert asked(lambda: store.rows(limit=600)) == ["EVALSHA"] * 2, "for the keys, and their rows"


def test_other_questions(store: RedisMetadataStore, asked: Any) -> None:
    questions: list[Callable[[], Any]] = [
        lambda: store.note(f"key:{KEYS[0]}"),
        lambda: store.add_counts([Counts("f", 5, hits=1, runs=1), Counts("g", 6, hits=1)]),
        lambda: store.remark({"price_unit": "$"}),
        store.remarks,
        store.now,
    ]
    for _ in range(2):
        commands = [asked(question) for question in questions]
        counts = asked(lambda: list(store.counts()))
    assert commands == [["EVALSHA"]] * len(questions)
    assert counts == ["EVALSHA"] * 3, "for the hours, and for each of them"


def test_one_function_of_many_is_listed_by_its_own_pages(
    store: RedisMetadataStore, asked: Any
) -> None:
    others = [a_record(key) for key in MANY]
    mine = [a_record(key, func_identifier="m:mine") for key in KEYS]
    stored(store, *others, *mine)
    where = Selection(function="m:mine")
    store.rows()
    assert [record.cache_key for record in listed(store, where)] == KEYS
    assert asked(lambda: list(listed(store, where))) == ["EVALSHA"] * 2
    assert asked(lambda: list(listed(store, Selection(key=KEYS[5])))) == ["EVALSHA"] * 2
    assert asked(lambda: list(store.all_rows())) == ["EVALSHA"] * 3


def test_scripts_that_the_server_forgets_are_sent_again(
    store: RedisMetadataStore, raw: Any, asked: Any
) -> None:
    """As after SCRIPT FLUSH, a restart, or a failover."""
    store.open()
    raw.script_flush()
    assert set(store.begin(KEYS[:3], MINE).leased) == set(KEYS[:3])
    raw.script_flush()
    assert stored(store, *map(a_record, KEYS[:3]), token=MINE) == set()
    raw.script_flush()
    assert set(store.find_many(KEYS[:5])) == set(KEYS[:3])

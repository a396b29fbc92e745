"""The way of a hit past the client of redis-py: connections that break, or are interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.contracts import entry_of
from beautyspot.errors import MetadataError
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.records import KEYS, a_record

if TYPE_CHECKING:
    from servers.valkey import Valkey


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has the next answers of this process not arrive: a list of errors, in their order."""
    from redis.connection import Connection

    errors: list[BaseException] = []
    real = Connection.read_response

    def read_response(self: Connection, *args: Any, **options: Any) -> Any:
        if errors:
            raise errors.pop(0)
        return real(self, *args, **options)

    monkeypatch.setattr(Connection, "read_response", read_response)
    return errors


def test_a_connection_that_breaks_is_replaced(
    store: RedisMetadataStore, raw: Any, broken: list[BaseException]
) -> None:
    from redis.exceptions import ConnectionError as Broken

    store.put(a_record())
    broken.append(Broken("reset by peer"))
    assert store.find(KEYS[0]) == entry_of(a_record())
    assert not broken
    for client in raw.client_list():
        if client["id"] != str(raw.client_id()):
            raw.client_kill_filter(_id=client["id"])
    assert store.find(KEYS[0]) == entry_of(a_record()), "while it was idle"


def test_without_retries_it_is_an_error(
    redis_server: Valkey, namespace: str, broken: list[BaseException]
) -> None:
    from redis.exceptions import ConnectionError as Broken

    store = RedisMetadataStore(redis_server.url, namespace=namespace, retries=0)
    store.put(a_record())
    broken.append(Broken("reset by peer"))
    with pytest.raises(MetadataError, match="failed"):
        store.find(KEYS[0])
    assert store.find(KEYS[0]) is not None
    store.close()


def test_an_answer_that_takes_too_long_is_not_waited_for_twice(
    store: RedisMetadataStore, broken: list[BaseException]
) -> None:
    from redis.exceptions import TimeoutError as TooLong

    store.put(a_record())
    broken += [TooLong("Timeout reading"), AssertionError("asked once more")]
    with pytest.raises(MetadataError, match="time-out"):
        store.find(KEYS[0])
    broken.clear()
    assert store.find(KEYS[0]) is not None


def test_an_interrupted_hit_leaves_no_answer_to_the_next(
    store: RedisMetadataStore, raw: Any, broken: list[BaseException]
) -> None:
    """Which would take it for its own. The server answers when the next one has been sent."""
    store.put_many(map(a_record, KEYS[:2]))
    raw.client_pause(100)
    broken.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        store.find(KEYS[0])
    assert store.find(KEYS[1]) == entry_of(a_record(KEYS[1]))
    assert store.find(KEYS[0]) == entry_of(a_record())


def test_an_error_of_the_server_keeps_the_connection(store: RedisMetadataStore, raw: Any) -> None:
    store.put(a_record())
    store.find(KEYS[0])
    raw.rpush(f"bs:{store._names.namespace}:row:{{{KEYS[1]}}}", "a")
    before = raw.info("stats")["total_connections_received"]
    for _ in range(5):
        assert store.find(KEYS[1]) is None
        assert store.find(KEYS[0]) is not None
    assert raw.info("stats")["total_connections_received"] == before

"""What the store is told, and what it may do at the server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.contracts import Counts
from beautyspot.errors import ConfigError, MetadataError, NotSupportedError
from beautyspot_cli.program import beautyspot
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.records import KEYS, a_record
from beautyspot_testing.store import MINE, stored
from click.testing import CliRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Spot
    from servers.valkey import Valkey

URL = "redis://localhost:1"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"namespace": ""}, "namespace='': give a text"),
        ({"namespace": 5}, "namespace=5: give a text"),
        ({"lease_time": 0.05}, "give 0.1 s or more"),
        ({"lease_time": "soon"}, "lease_time='soon': give a number of seconds"),
        ({"keep_expired": -1}, "keep_expired=-1: give"),
        ({"largest_data": -1}, "largest_data=-1: give a number of bytes"),
        ({"largest_data": 2**40}, "is too much: give 524,288,000 or less"),
        ({"demands_signing": "yes"}, "demands_signing='yes': give True or False"),
        ({"timeout": 0}, "timeout=0 is too short: give"),
    ],
)
def test_an_option_that_is_wrong_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as failed:
        RedisMetadataStore(URL, **options)
    assert said in str(failed.value)


def test_a_text_names_the_server_and_no_password() -> None:
    shown = repr(RedisMetadataStore("redis://me:secret@localhost:1/3", namespace="team"))
    assert shown == "<RedisMetadataStore redis://localhost:1/3>"


def doubled_by(spot: Spot) -> int:
    """Call a marked function twice with one input; how often it ran."""

    @spot.mark(name="double")
    def double(number: int) -> int:
        return number * 2

    assert double(2) == double(2) == 4
    return int(spot.stats()["misses"])


def test_spots_of_two_names_share_nothing(
    redis_server: Valkey, make_spot: Callable[..., Spot], namespace: str
) -> None:
    one, two = [
        make_spot(f"{namespace}-{name}", metadata=redis_server.url, strict=True) for name in "ab"
    ]
    assert [doubled_by(one), doubled_by(two)] == [1, 1]
    assert one.metadata.store_id != two.metadata.store_id


def test_spots_of_one_namespace_share_all(
    redis_server: Valkey, make_spot: Callable[..., Spot], namespace: str
) -> None:
    where = {"use": redis_server.url, "namespace": namespace}
    one, two = [make_spot(name, metadata=where, strict=True) for name in ("one", "two")]
    assert [doubled_by(one), doubled_by(two)] == [1, 0]


# ----------------------------------------------------------------------------------- permissions


def _user(raw: Any, *rules: str) -> dict[str, str]:
    name = secrets.token_hex(4)
    raw.execute_command("ACL", "SETUSER", name, "on", ">pw", *rules)
    return {"username": name, "password": "pw"}


def test_a_user_needs_no_more_than_the_manual_says(
    store: RedisMetadataStore, redis_server: Valkey, raw: Any, namespace: str, prefix: str
) -> None:
    groups = ["+@connection", "+@read", "+@write", "+@scripting", "+time"]
    user = _user(raw, f"~{prefix}*", "resetchannels", "-@all", *groups, "-@dangerous", "+info")
    mine = RedisMetadataStore(redis_server.url, namespace=namespace, **user)
    begun = mine.begin(KEYS[:2], MINE)
    assert stored(mine, a_record(), token=MINE, since=begun.since) == set()
    assert mine.renew([KEYS[1]], MINE) == set()
    mine.release([KEYS[1]], MINE)
    assert mine.find(KEYS[0]) is not None
    assert set(mine.find_many(KEYS)) == {KEYS[0]}
    mine.note(f"key:{KEYS[5]}")
    mine.touch({KEYS[0]: 5.0})
    mine.add_counts([Counts("f", 5, hits=1)])
    assert list(mine.counts()) == [Counts("f", 5, hits=1)]
    mine.remark({"price_unit": "$"})
    assert mine.remarks() == {"price_unit": "$"}
    assert len(mine.rows()) == 1
    assert mine.now() > 0
    assert {one.state for one in mine.examine()} == {"ok"}
    assert mine.delete({KEYS[0]: a_record().made_at}) == {KEYS[0]}
    mine.close()


def test_a_user_that_may_only_read_finds_what_is_there(
    store: RedisMetadataStore, redis_server: Valkey, raw: Any, namespace: str
) -> None:
    user = _user(raw, "~*", "-@all", "+@connection", "+@read", "+@scripting", "+time", "+info")
    for look in (False, True):
        reader = RedisMetadataStore(redis_server.url, namespace=namespace, **user)
        with pytest.raises(MetadataError, match="has no ID yet" if look else "grant the user"):
            reader.open(look=look)  # nobody has made the store yet
        stored(store, a_record())
        reader.open(look=look)
        assert reader.get(KEYS[0]) == store.get(KEYS[0])
        assert reader.find(KEYS[0]) is not None
        assert reader.store_id == store.store_id
        assert set(reader.find_many(KEYS)) == {KEYS[0]}
        assert len(reader.rows()) == 1
        for change in (
            lambda: stored(reader, a_record(), since=0),  # noqa: B023
            lambda: reader.begin([KEYS[1]], MINE),  # noqa: B023
        ):
            with pytest.raises(NotSupportedError if look else MetadataError):
                change()
        reader.close()
        raw.delete(*raw.scan_iter(f"{{beautyspot:{namespace}}}:*", count=1000))


# ----------------------------------------------------------------------------------- signatures


def test_what_demands_signatures_is_learned_by_all(
    store: RedisMetadataStore, redis_server: Valkey, raw: Any, namespace: str, prefix: str
) -> None:
    store.open()
    assert not store.demands_signing
    told = RedisMetadataStore(redis_server.url, namespace=namespace, demands_signing=True)
    told.open()
    store.open()
    assert store.demands_signing
    looking = RedisMetadataStore(redis_server.url, namespace=namespace)
    looking.open(look=True)
    assert looking.demands_signing
    raw.delete(f"{prefix}store")
    stored(store, a_record())  # which writes it again: it has learned it
    again = RedisMetadataStore(redis_server.url, namespace=namespace)
    again.open()
    assert again.demands_signing
    raw.zrem(f"{prefix}store", "demands_signing")  # as the manual takes it back
    free = RedisMetadataStore(redis_server.url, namespace=namespace)
    free.open()
    assert not free.demands_signing
    for each in (told, looking, again, free):
        each.close()


# ----------------------------------------------------------------------------------- for looking


def test_a_mistyped_name_is_told_with_how_to_list_the_others(
    redis_server: Valkey, namespace: str
) -> None:
    with bs.Spot(namespace, metadata=redis_server.url, config=False) as spot:
        spot.cached_run(abs, -1)
    mistyped = f"{namespace}x"
    at = ["--store", redis_server.url, "--name"]
    for command in ("ls", "stats", "prune"):
        done = CliRunner().invoke(beautyspot, [*at, mistyped, command])
        assert done.exit_code == 2
        assert f"the store {mistyped!r} has no ID yet" in done.stderr
        assert "redis-cli --scan" in done.stderr
    found = {one.text for one in bs.examine(redis_server.url, name=mistyped, config=False)}
    assert any("redis-cli --scan" in text for text in found)
    done = CliRunner().invoke(beautyspot, [*at, namespace, "ls"])
    assert "builtins:abs" in done.stdout

"""What the store is told, and what it may do at the server."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.errors import ConfigError, MetadataError, NotSupportedError
from beautyspot_cli.output import Output
from beautyspot_cli.program import beautyspot
from beautyspot_redis import RedisMetadataStore
from beautyspot_testing.metadata_counts import COUNTED
from beautyspot_testing.records import KEYS, a_record
from click.testing import CliRunner

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Spot
    from beautyspot_redis.names import Names
    from servers.valkey import Valkey

URL = "redis://localhost:1"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"namespace": ""}, "namespace='' is no name"),
        ({"namespace": " "}, "is no name"),
        ({"namespace": 5}, "namespace=5 is no name"),
        ({"lease_time": 0.05}, "give 0.1 s or more"),
        ({"lease_time": "soon"}, "lease_time='soon': give a number of seconds"),
        ({"lease_time": float("inf")}, "lease_time=inf: give"),
        ({"keep_expired": -1}, "keep_expired=-1: give"),
        ({"largest_data": -1}, "largest_data=-1: give a number of bytes"),
        ({"largest_data": True}, "largest_data=True: give a number of bytes"),
        ({"largest_data": "64 mega"}, "give a number of bytes"),
        ({"largest_data": 2**40}, "is too much: give 524,288,000 or less"),
        ({"demands_signing": "yes"}, "demands_signing='yes' is no switch"),
        ({"timeout": 0}, "timeout=0 is too short: give"),
    ],
)
def test_an_option_that_is_wrong_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as failed:
        RedisMetadataStore(URL, **options)
    assert said in str(failed.value)


def test_what_is_not_said_has_a_default() -> None:
    store = RedisMetadataStore(URL)
    assert store.lease_time == 30
    assert store.largest_data == 16 * 2**20
    assert (store.remote, store.blocking) == (True, True)
    assert not store.demands_signing
    assert RedisMetadataStore(URL, demands_signing=True).demands_signing


def test_a_text_names_the_server_and_no_password() -> None:
    shown = repr(RedisMetadataStore("redis://me:secret@localhost:1/3", namespace="team"))
    assert shown == "<RedisMetadataStore redis://localhost:1/3 'team'>"


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
    store: RedisMetadataStore, redis_server: Valkey, raw: Any, namespace: str
) -> None:
    groups = ["+@connection", "+@read", "+@write", "+@scripting", "+@pubsub", "+time"]
    user = _user(
        raw,
        f"~bs:{namespace}:*",
        "resetchannels",
        f"&bs:{namespace}:*",
        "-@all",
        *groups,
        "-@dangerous",
        "+info",
    )
    mine = RedisMetadataStore(redis_server.url, namespace=namespace, **user)
    begun = mine.begin(KEYS[0])
    assert begun is not None
    assert mine.next_releases(0) == set()
    assert mine.put_valid(a_record(), begun.generation)
    assert mine.find(KEYS[0]) is not None
    mine.touch({KEYS[0]: 5.0})
    mine.add_counts([COUNTED])
    assert list(mine.counts()) == [COUNTED]
    assert mine.totals().entries == 1
    assert {one.state for one in mine.examine()} == {"ok"}
    assert mine.delete(KEYS[0])
    mine.close()


def test_a_user_that_may_only_read_finds_what_is_there(
    store: RedisMetadataStore, redis_server: Valkey, raw: Any, namespace: str
) -> None:
    user = _user(raw, "~*", "&*", "-@all", "+@connection", "+@read", "+@scripting", "+info")
    reader = RedisMetadataStore(redis_server.url, namespace=namespace, **user)
    with pytest.raises(MetadataError, match="grant the user"):
        reader.find(KEYS[0])  # nobody has made the store yet
    store.put(a_record())
    assert reader.get(KEYS[0]) == a_record()
    assert reader.find(KEYS[0]) is not None
    assert reader.store_id == store.store_id
    assert [*reader.find_many(KEYS)] == KEYS[:1]
    assert reader.totals().entries == 1
    for change in (lambda: reader.put(a_record()), lambda: reader.try_lease(KEYS[1])):
        with pytest.raises(MetadataError):
            change()
    reader.close()


# ----------------------------------------------------------------------------------- for looking


def test_looking_makes_nothing(
    store: RedisMetadataStore, redis_server: Valkey, raw: Any, names: Names
) -> None:
    looking = store.for_looking()
    looking.open()
    assert list(looking.scan()) == []
    assert list(looking.counts()) == []
    assert looking.find(KEYS[0]) is None
    with pytest.raises(MetadataError, match="no ID yet"):
        looking.store_id  # noqa: B018 - a property that asks the server
    for change in (
        lambda: looking.put(a_record()),
        lambda: looking.delete(KEYS[0]),
        lambda: looking.touch({}),
        lambda: looking.add_counts([]),
    ):
        with pytest.raises(NotSupportedError, match="opened to look"):
            change()
    assert list(raw.scan_iter(match=f"bs:{names.namespace}:*")) == []
    store.put(a_record())
    assert looking.store_id == store.store_id
    looking.close()
    assert store.find(KEYS[0]) is not None


def test_a_mistyped_name_is_told_with_the_nearest(redis_server: Valkey, names: Names) -> None:
    with bs.Spot(names.namespace, metadata=redis_server.url, config=False) as spot:
        spot.cached_run(abs, -1)
    mistyped = f"{names.namespace}x"
    at = ["--store", redis_server.url, "--name"]
    for command in ("ls", "stats", "prune"):
        done = CliRunner().invoke(beautyspot, [command, *at, mistyped], obj=Output())
        assert done.exit_code == 2
        assert f"the store {mistyped!r} has no ID yet" in done.stderr
        assert f"Did you mean {names.namespace!r}?" in done.stderr
    found = {one.text for one in bs.examine(redis_server.url, name=mistyped, config=False)}
    assert any(f"Did you mean {names.namespace!r}?" in text for text in found)
    done = CliRunner().invoke(beautyspot, ["ls", *at, names.namespace], obj=Output())
    assert "builtins:abs" in done.stdout


def test_looking_at_a_stranger_s_key(store: RedisMetadataStore, raw: Any, names: Names) -> None:
    raw.set(names.meta, "something of another program")
    looking = store.for_looking()
    with pytest.raises(MetadataError, match="no ID yet"):
        looking.store_id  # noqa: B018 - as above
    looking.close()

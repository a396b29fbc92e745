"""What the store is told, and what it may do at the server."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.errors import ConfigError, MetadataError, NotSupportedError
from beautyspot_postgres import PostgresMetadataStore
from beautyspot_postgres.roles import grants
from beautyspot_testing.metadata_counts import COUNTED
from beautyspot_testing.records import KEYS, a_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.spot import Spot
    from servers.postgres import Postgres

URL = "postgres://localhost:1/db"
KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"namespace": ""}, "namespace='' is no name"),
        ({"namespace": 5}, "namespace=5 is no name"),
        ({"namespace": "n" * 201}, "is too long: give 200 characters at most"),
        ({"schema": "a b"}, "schema='a b' is no plain name"),
        ({"schema": 'x"; DROP'}, "is no plain name"),
        ({"lease_time": 0.05}, "give 0.1 s or more"),
        ({"lease_time": "soon"}, "lease_time='soon': give a number of seconds"),
        ({"keep_expired": -1}, "keep_expired=-1: give"),
        ({"largest_data": 2**40}, "is too much: give 268,435,456 or less"),
        ({"demands_signing": "yes"}, "demands_signing='yes' is no switch"),
        ({"timeout": 0}, "timeout=0 is too short: give"),
        ({"timeout": 10**6}, "is too long: give 3600 s or less"),
        ({"connections": 0}, "connections=0: give a whole number, 1 or more"),
        ({"memory": "64MB"}, "libpq has no parameter 'memory'"),
        ({"sslmode": "sometimes"}, "sslmode has no such value"),
        ({"sslrootcert": "/nowhere/ca.pem"}, "is no file that can be seen"),
        ({"host": "elsewhere"}, "host is given twice"),
    ],
)
def test_an_option_that_is_wrong_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as failed:
        PostgresMetadataStore(URL, **options)
    assert said in str(failed.value)


def test_what_is_not_said_has_a_default() -> None:
    store = PostgresMetadataStore(URL)
    assert store.lease_time == 30
    assert store.largest_data == 16 * 2**20
    assert (store.remote, store.blocking) == (True, True)
    assert not store.demands_signing
    assert PostgresMetadataStore(URL, demands_signing=True).demands_signing


def test_the_ways_to_name_it(
    make_spot: Callable[..., Spot], postgres_server: Postgres, namespace: str
) -> None:
    """A Spot's URL may have the store's options, and libpq's."""
    url = f"{postgres_server.url}?namespace={namespace}&lease_time=10&sslmode=disable"
    spot = make_spot(metadata=url, strict=True)
    spot.mark(abs, version="1")(-3)
    table = {"use": postgres_server.url, "namespace": namespace, "connections": 2}
    again = make_spot(metadata=table, strict=True)
    [record] = again.metadata.scan()
    assert record.cache_key
    assert spot.metadata.lease_time == 10
    named = make_spot("named", metadata=postgres_server.url, strict=True)
    assert repr(named.metadata).endswith(f"{postgres_server.port}/postgres 'named'>")


def test_a_text_names_the_server_and_no_password() -> None:
    shown = repr(PostgresMetadataStore("postgres://me:secret@localhost:1/db", namespace="team"))
    assert shown == "<PostgresMetadataStore postgres://localhost:1/db 'team'>"


def test_it_travels_without_a_password(store: PostgresMetadataStore) -> None:
    store.put(a_record())
    other = pickle.loads(pickle.dumps(store))
    assert other.get(KEYS[0]) == a_record()
    other.close()
    with pytest.raises(TypeError, match="PGPASSWORD"):
        pickle.dumps(PostgresMetadataStore("postgres://me:secret@localhost/db"))


def test_namespaces_share_nothing(postgres_server: Postgres, namespace: str) -> None:
    names = [namespace, f"{namespace}\0", f"{namespace}%", f"{namespace}\ud800"]
    stores = [PostgresMetadataStore(postgres_server.url, namespace=name) for name in names]
    for number, store in enumerate(stores):
        store.put(a_record(KEYS[number]))
        store.add_counts([COUNTED])
    for number, store in enumerate(stores):
        assert [record.cache_key for record in store.scan()] == [KEYS[number]]
        assert list(store.counts()) == [COUNTED]
        assert store.totals().entries == 1
        for order in store.orders:
            assert len(store.page(order=order).records) == 1  # type: ignore[arg-type]
        lease = store.try_lease(KEYS[9])
        assert lease is not None
        looking = store.for_looking()
        assert [record.cache_key for record in looking.scan()] == [KEYS[number]]
        looking.close()
    assert len({store.store_id for store in stores}) == len(stores)
    for store in stores:
        store.close()


# ----------------------------------------------------------------------------------- signatures


def test_what_demands_signatures_is_learned_by_all(
    make_spot: Callable[..., Spot], postgres_server: Postgres, namespace: str, raw: Any
) -> None:
    place = {"use": postgres_server.url, "namespace": namespace}
    first = make_spot(metadata={**place, "demands_signing": True}, signing_key=KEY, strict=True)
    first.mark(abs, version="1")(-3)
    with pytest.raises(ConfigError, match="takes signed results only"):
        make_spot(metadata=place)
    raw.execute("DELETE FROM beautyspot.stores WHERE namespace = %s", [namespace])
    first.mark(abs, version="2")(-3)
    with pytest.raises(ConfigError, match="takes signed results only"):
        make_spot(metadata=place)
    raw.execute(
        "UPDATE beautyspot.stores SET demands_signing = false WHERE namespace = %s", [namespace]
    )
    spot = make_spot(metadata=place, strict=True)
    assert not spot.metadata.demands_signing


# -------------------------------------------------------------------------------------- looking


def test_to_look_makes_nothing(database: str) -> None:
    store = PostgresMetadataStore(database)
    looking = store.for_looking()
    with pytest.raises(MetadataError, match="has no schema"):
        looking.find(KEYS[0])
    store.open()
    assert looking.find(KEYS[0]) is None
    with pytest.raises(NotSupportedError):
        looking.put_valid(a_record(), 0)
    other = PostgresMetadataStore(database, namespace="other").for_looking()
    with pytest.raises(MetadataError, match="no ID yet.*there are 'beautyspot'"):
        _ = other.store_id
    for each in (store, looking, other):
        each.close()


def test_a_role_that_may_only_read_has_hits(
    make_spot: Callable[..., Spot],
    store: PostgresMetadataStore,
    postgres_server: Postgres,
    namespace: str,
    role: str,
) -> None:
    store.put_many(a_record(key) for key in KEYS[:3])
    for statement in grants("reader", [role]):
        postgres_server.ask(statement)
    place = {"use": postgres_server.url, "namespace": namespace}
    writer = make_spot(metadata=place, strict=True)
    ran: list[int] = []

    def note(x: int) -> None:
        ran.append(x)

    assert writer.mark(version="1", ignore=("ran",))(note)(3) is None
    url = postgres_server.url.replace("postgres@", f"{role}@")
    reader = make_spot(metadata={**place, "use": url}, mode="readonly", strict=True)
    assert reader.mark(version="1", ignore=("ran",))(note)(3) is None
    assert ran == [3]
    looking = PostgresMetadataStore(url, namespace=namespace).for_looking()
    assert looking.totals().entries == 4
    assert len(list(looking.scan())) == 4
    assert looking.function_totals() == store.function_totals()
    looking.close()
    with pytest.raises(MetadataError, match="42501"):
        reader.metadata.put(a_record())
    for statement in (f"DROP OWNED BY {role}", f"DROP ROLE {role}"):
        postgres_server.ask(statement)


def test_a_result_is_saved_when_the_server_is_back(
    make_spot: Callable[..., Spot], own: Postgres, namespace: str
) -> None:
    spot = make_spot(metadata={"use": own.url, "namespace": namespace})
    marked = spot.mark(abs, version="1")
    assert marked(-1) == 1
    own.kill()
    assert [marked(-1), marked(-2)] == [1, 2]
    own.start()
    assert spot.flush()
    assert spot.metadata.totals().entries == 2


def test_the_module_offers_it() -> None:
    import beautyspot_postgres

    assert {"PostgresLimiter", "PostgresMetadataStore"} <= {*dir(beautyspot_postgres)}
    assert isinstance(PostgresMetadataStore(URL), bs.MetadataStoreBase)

"""Engines of SQLAlchemy count by what they were told, without the password."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import beautyspot as bs
import pytest
import sqlalchemy as sa
from beautyspot.testing import memory_spot
from beautyspot_http.engines import EngineTypes
from beautyspot_testing.types import TypeSupportContract
from servers.web import CANARY
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

SERVER = f"postgresql+psycopg://ann:{CANARY}@example.com/shop"


class TestEngines(TypeSupportContract):
    storable = False

    def make(self) -> EngineTypes:
        return EngineTypes()

    def samples(self) -> list[Any]:
        plain = sa.create_engine(SERVER)
        return [
            plain,
            plain.execution_options(schema_translate_map={None: "one"}),
            plain.execution_options(schema_translate_map={None: "two"}),
            sa.create_engine(SERVER, execution_options={"schema_translate_map": {None: "three"}}),
            sa.create_engine(SERVER.replace("ann", "bob")),
            sa.create_engine(SERVER.replace("shop", "till")),
            sa.create_engine(SERVER.replace("example.com", "example.com:5433")),
            sa.create_engine(f"{SERVER}?application_name=one"),
            sa.create_engine(SERVER, connect_args={"options": "-csearch_path=one"}),
            sa.create_engine(SERVER, connect_args={"options": "-csearch_path=two"}),
            sa.create_engine("sqlite:///one.db"),
            sa.create_engine("sqlite:///one.db", json_deserializer=str),
            sa.create_engine("sqlite:///one.db", isolation_level="READ UNCOMMITTED"),
            sa.create_engine("sqlite:///file:one.db?mode=ro&uri=true"),
            create_async_engine("sqlite+aiosqlite:///one.db"),
            create_async_engine("sqlite+aiosqlite:///two.db"),
        ]

    def same(self, left: Any, right: Any) -> bool:
        return bool(left.url == right.url)

    def source(self) -> None:
        """Other processes are asked in `test_processes`, once for all supports."""


def take(engine: Any) -> None:
    del engine


def test_what_changes_no_row_does_not_count() -> None:
    with memory_spot() as spot:
        marked = spot.mark(take)
        disposed = sa.create_engine(SERVER)
        disposed.dispose()
        alike = [
            sa.create_engine(SERVER),
            sa.create_engine(SERVER.replace(CANARY, "rotated")),
            sa.create_engine(SERVER.replace(f":{CANARY}", "") + f"?password={CANARY}"),
            sa.create_engine(SERVER.replace(f":{CANARY}", ""), connect_args={"password": CANARY}),
            sa.create_engine(SERVER, pool_size=3, echo=False, poolclass=None),
            sa.create_engine(SERVER, poolclass=NullPool),
            disposed,
        ]
        assert len({spot.key(marked, each) for each in alike}) == 1


def test_a_file_is_the_same_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with memory_spot() as spot:
        marked = spot.mark(take)
        whole = spot.key(marked, sa.create_engine(f"sqlite:///{tmp_path}/one.db"))
        elsewhere = spot.key(marked, sa.create_engine("sqlite:///one.db"))
        monkeypatch.chdir(tmp_path)
        assert spot.key(marked, sa.create_engine("sqlite:///one.db")) == whole != elsewhere


class Dialect(DefaultDialect):
    """As that of pyodbc, whose library needs a driver of the system."""

    name, driver, supports_statement_cache = "mssql", "told", True

    @classmethod
    def import_dbapi(cls) -> Any:
        return sqlite3


registry.register("mssql.told", __name__, "Dialect")


def test_of_what_odbc_is_told_only_the_password_does_not_count() -> None:
    def engine(told: str) -> sa.Engine:
        return sa.create_engine(f"mssql+told://?odbc_connect={quote(told)}&host=a&host=b")

    with memory_spot() as spot:
        marked = spot.mark(take)
        keys = [
            spot.key(marked, engine(told))
            for told in (
                f"Server=a;UID=ann;PWD={CANARY}",
                "Server=a;UID=ann;PWD={ro;ta}",
                "Server=a;UID=bob;PWD=x",
            )
        ]
        assert keys[0] == keys[1] != keys[2]


def listening(event: str, target: str = "") -> sa.Engine:
    engine = sa.create_engine(SERVER)
    sa.event.listen(getattr(engine, target) if target else engine, event, lambda *_: None)
    return engine


def with_pool() -> sa.Engine:
    return sa.create_engine(SERVER, pool=sa.create_engine("sqlite:///other.db").pool)


def pooled_by(creator: Any) -> sa.Engine:
    return sa.create_engine(SERVER, pool=NullPool(creator))


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        (lambda: sa.create_engine("sqlite://"), "its database in memory"),
        (lambda: create_async_engine("sqlite+aiosqlite://"), "its database in memory"),
        (lambda: sa.create_engine(SERVER, creator=lambda: None), "a creator or a pool"),
        (with_pool, "connects by other arguments"),
        (lambda: pooled_by(lambda: None), "a creator or a pool"),
        (lambda: listening("connect"), "a listener of connect"),
        (lambda: listening("checkout", "pool"), "a listener of checkout"),
        (lambda: listening("do_connect"), "a listener of do_connect"),
        (lambda: sa.create_engine(f"{SERVER}?access_token={CANARY}"), "is told access_token"),
        (lambda: sa.create_engine(SERVER, connect_args={"context": object()}), "a object among"),
    ],
)
def test_an_engine_that_may_lead_elsewhere_is_refused(engine: Any, said: str) -> None:
    with memory_spot() as spot, pytest.raises(bs.UnstableKeyError, match=said) as caught:
        spot.mark(take)(engine())
    assert CANARY not in str(caught.value)


def test_an_attribute_that_is_not_known_is_refused() -> None:
    engine = sa.create_engine(SERVER)
    engine.connect = print  # type: ignore[assignment, method-assign]
    beneath = create_async_engine("sqlite+aiosqlite:///one.db")
    beneath.sync_engine = object()  # type: ignore[assignment]
    with memory_spot() as spot:
        for each, said in ((engine, "something in connect"), (beneath, "something in sync_engine")):
            with pytest.raises(bs.UnstableKeyError, match=said):
                spot.mark(take)(each)


def test_rows_are_read_once_whatever_the_password(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    engines = [sa.create_engine(url) for _ in range(2)]
    with engines[0].begin() as connection:
        connection.execute(sa.text("create table price (what text, cents integer)"))
        connection.execute(sa.text("insert into price values ('tea', 250)"))
    with memory_spot() as spot:

        @spot.mark
        def prices(engine: sa.Engine) -> list[tuple[str, int]]:
            with engine.connect() as connection:
                rows = connection.execute(sa.text("select what, cents from price"))
                return [(row.what, row.cents) for row in rows]

        assert [prices(each) for each in engines] == [[("tea", 250)]] * 2
        assert spot.stats()["hits"] == 1
        for each in engines:
            each.dispose()

"""What is said of objects of frameworks: what to pass, or to return, in their place."""

from __future__ import annotations

import dbm.dumb
import mmap
import re
import shelve
import tarfile
import threading
import zipfile
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

import fsspec
import httpx
import pytest
import sqlalchemy as sa
import xxhash
from beautyspot.errors import SerializationError, UnstableKeyError
from beautyspot.keys.generator import canonical
from beautyspot.serialization.serializer import MsgpackSerializer
from beautyspot.testing import memory_spot
from pyarrow.dataset import dataset
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    mapped_column,
    scoped_session,
    sessionmaker,
)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)


class Kept(MappedAsDataclass, DeclarativeBase):
    pass


class Order(Kept):  # its fields are known, and its state is of a session all the same
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


ENGINE = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
Base.metadata.create_all(ENGINE)
with ENGINE.begin() as _connection:
    _connection.execute(sa.insert(User).values(id=1))
    ROW = _connection.execute(sa.select(User.id)).first()


def of(name: str) -> Any:
    """An object of a class that derives from one of a framework, by its name."""
    module, _, path = name.partition(":")
    base = type(path, (), {"__module__": module, "__qualname__": path})
    return type("Own", (base,), {})()


ROWS = [
    (of("starlette.requests:HTTPConnection"), "pass what the function reads", "return what you"),
    (of("starlette.datastructures:UploadFile"), "await file.read()", "return its bytes"),
    (of("starlette.background:BackgroundTask"), "add tasks outside of it", "return what they"),
    (of("werkzeug.sansio.response:Response"), "pass its data", "return the data (jsonable_enc"),
    (of("django.http.request:HttpRequest"), "an ID or the body", "return what you read"),
    (of("celery.app.task:Task"), "leave it out with mark(ignore=", "what the task returns"),
    (sa.select(User), "str(statement), and its parameters", "str(statement)"),
    (ROW, "tuple(row)", "[tuple(row) for row in rows]"),
    (User(id=1), "pass its primary key", "return its fields"),
    (Order(id=1), "pass its primary key", "return its fields"),
    (of("huey.api:Task"), "leave it out with mark(ignore=", "what the task returns"),
    (Session(ENGINE), "pass the engine", "return the rows"),
    (sessionmaker(ENGINE), "pass the engine", "return the rows"),
    (scoped_session(sessionmaker(ENGINE)), "pass the engine", "return the rows"),
    (async_sessionmaker(), "pass the engine", "return the rows"),
    (of("pyspark.sql.dataframe:DataFrame"), "pass what its collect() gives", "its collect()"),
]


@pytest.mark.parametrize(
    ("value", "passed", "returned"), ROWS, ids=lambda each: type(each).__name__
)
def test_a_message_says_what_to_take_instead(value: Any, passed: str, returned: str) -> None:
    with pytest.raises(UnstableKeyError, match=re.escape(passed)):
        canonical(value)
    with pytest.raises(SerializationError, match=re.escape(returned)):
        MsgpackSerializer().dumps(value)


HANDLES: dict[str, Any] = {
    "fsspec, a file": lambda _: fsspec.open("memory://a"),
    "fsspec, files": lambda _: fsspec.open_files("memory://*"),
    "fsspec, a mapper": lambda _: fsspec.get_mapper("memory://a"),
    "fsspec, a store in memory": lambda _: fsspec.filesystem("memory"),
    "pyarrow, a data set": lambda folder: dataset(folder, format="parquet"),
    "pyarrow, a scanner": lambda folder: dataset(folder, format="parquet").scanner(),
    "shelve": lambda folder: shelve.open(folder / "shelf"),  # noqa: SIM115, S301
    "dbm": lambda folder: dbm.dumb.open(str(folder / "dbm"), "c"),  # noqa: SIM115
    "zipfile": lambda folder: zipfile.ZipFile(folder / "a.zip", "w"),
    "zipfile, a path": lambda folder: zipfile.Path(zipfile.ZipFile(folder / "b.zip", "w")),
    "tarfile": lambda folder: tarfile.open(folder / "a.tar", "w"),  # noqa: SIM115
    "mmap": lambda _: mmap.mmap(-1, 10),
    **{
        name: lambda _, name=name: of(name)
        for name in (
            *("zarr.core.array:Array", "zarr.core.array:AsyncArray", "zarr.core.group:Group"),
            *("zarr.abc.store:Store", "zarr.core:Array", "zarr.hierarchy:Group"),
            *("h5py._hl.dataset:Dataset", "h5py._hl.base:HLObject", "h5netcdf.core:Variable"),
            *("netCDF4._netCDF4:Variable", "tiledb.array:Array", "tables.file:File"),
            *("tables.node:Node", "ibis.expr.types.core:Expr", "diskcache.core:Cache"),
            *("duckdb._relation:DuckDBPyRelation", "pandas.io.pytables:HDFStore"),
            *("google.cloud.bigquery.table:Table", "boto3.resources.base:ServiceResource"),
            *("s3fs.core:S3File", "numpy.lib.npyio:NpzFile", "pandas:ExcelFile"),
        )
    },
}


@pytest.mark.parametrize("name", HANDLES)
def test_what_leads_to_a_file_or_table_is_refused(name: str, tmp_path: Path) -> None:
    handle = HANDLES[name](tmp_path)
    with pytest.raises(UnstableKeyError, match=r"pass its path with File\(…\), or what you read"):
        canonical(handle)
    with pytest.raises(SerializationError, match="return what you read of it"):
        MsgpackSerializer().dumps(handle)
    if hasattr(handle, "close"):
        handle.close()


def test_a_class_in_c_with_properties_is_taken_for_none_in_python() -> None:
    with pytest.raises(UnstableKeyError, match="has no form"):
        canonical(xxhash.xxh32(b"a"))


class Holder:
    def __init__(self) -> None:
        self._thread = threading.current_thread()


def test_the_object_of_a_package_is_named_and_not_its_insides() -> None:
    with pytest.raises(
        UnstableKeyError, match=r"^value\[0\] is a httpx\.Client, which has no"
    ) as error:
        canonical([httpx.Client()])
    assert error.value.path.startswith("value[0]._")
    with pytest.raises(UnstableKeyError, match=r"^value\._thread is a threading\._MainThread"):
        canonical(Holder())


def proxy(name: str) -> Any:
    """An object of a class, as frameworks have them for what belongs to a moment."""
    module, _, path = name.partition(":")
    return type(path, (), {"__module__": module, "x": 1})()


def asked(name: str) -> Any:
    module, _, path = name.partition(":")

    def ask() -> int:
        return 1

    ask.__module__, ask.__name__ = module, path
    return ask


def reading(source: str, name: str, value: Any) -> Any:
    """A function of a module in which a name, and one in another module `fw`, stand for a value."""
    framework = ModuleType("framework")
    setattr(framework, name, value)
    held: dict[str, Any] = {name: value, "fw": framework, "__name__": __name__}
    exec(source, held)  # noqa: S102 - functions that read globals
    return held["read"]


MOMENTS = [
    ("request", proxy("werkzeug.local:LocalProxy")),
    ("user", proxy("quart.local:LocalProxy")),
    ("session_state", proxy("streamlit.runtime.state.session_state_proxy:SessionStateProxy")),
    ("query_params", proxy("streamlit.runtime.state.query_params_proxy:QueryParamsProxy")),
    ("context", proxy("starlette_context.ctx:_Context")),
    ("get_current_request", asked("pyramid.threadlocal:get_current_request")),
    ("get_language", asked("django.utils.translation:get_language")),
]
SOURCES = [
    "def read(): return {name} and 1",
    "def read(): return fw.{name} and 1",
    "def read(): return [{name} for _ in range(1)] and 1",
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(("name", "value"), MOMENTS, ids=lambda each: str(each)[:20])
def test_what_reads_a_request_or_a_context_runs_uncached(
    name: str, value: Any, source: str, caplog: Any
) -> None:
    with memory_spot(strict=False) as spot:
        read = spot.mark(name="read")(reading(source.format(name=name), name, value))
        assert [read(), read()] == [1, 1]
        assert spot.stats()["bypassed"] == 2
        [said] = caplog.messages
        assert f"it reads {name}, which belongs to a request" in said
        with_id = spot.mark(name="with_id", key="all")(read.__wrapped__)
        assert [with_id(), with_id()] == [1, 1]
        assert spot.stats()["hits"] == 1


def test_what_is_no_request_is_read_as_ever(caplog: Any) -> None:
    with memory_spot(strict=False) as spot:
        for name, value in [
            ("current_app", proxy("werkzeug.local:LocalProxy")),
            ("request", {"x": 1}),
        ]:
            read = spot.mark(name=name)(reading(SOURCES[0].format(name=name), name, value))
            assert [read(), read()] == [1, 1]
        assert spot.stats()["hits"] == 2
    assert not caplog.messages


TENANT: ContextVar[str] = ContextVar("TENANT", default="a")


def of_tenant() -> str:
    return TENANT.get()


def reads_by_a_helper() -> str:
    return of_tenant()


def test_a_version_that_follows_code_sees_what_its_helpers_read(caplog: Any) -> None:
    with memory_spot(strict=False) as spot:
        read = spot.mark(version="auto")(reads_by_a_helper)
        known = spot.mark(version="auto", name="known", ignore=("TENANT",))(reads_by_a_helper)
        assert [read(), known()] == ["a", "a"]
        TENANT.set("b")
        assert [read(), known()] == ["b", "a"]
    [said] = caplog.messages
    assert "it reads TENANT" in said

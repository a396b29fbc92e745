"""Objects of frameworks that are neither an argument nor a result, and what to take instead.

A request, a row of a database, a task: each belongs to what runs just now. Messages name them, and
what a program has in their place, and never the insides in which something failed. So for objects
of libraries that count as an argument, and are no result: a tree of XML, a quantity with a unit.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.functions.names import root_of

if TYPE_CHECKING:
    from collections.abc import Collection


class Foreign(NamedTuple):
    """What is said of the instances of a class, and of those below it.

    Attributes:
        why: goes on the sentence "it is a ..., which".
        passes: what to pass in its place; "" where it counts as an argument.
        returns: what to return in its place.
        plain: the builtin type as which it is stored where an annotation promises that.
    """

    why: str
    passes: str
    returns: str
    plain: type | None = None


_REQUEST: Final = Foreign(
    "belongs to the request that is answered just now",
    "what the function reads of it, such as its path, its parameters, an ID or the body",
    "what you read of it",
)
_RESPONSE: Final = Foreign(
    "is an answer on its way to a client",
    "its data",
    (
        "the data (jsonable_encoder(…), .get_json(), the text), and make the response of it "
        "outside of the marked function"
    ),
)
_ROWS: Final = Foreign(
    "asks the database whenever it is read, so that the rows do not count",
    (
        "what it finds, such as list(….values()), or the primary keys of the rows; or, if it "
        "counts by its question alone, str(….query)"
    ),
    "what it finds, such as list(….values())",
)
_ROW: Final = Foreign(
    "is a row of an open result",
    "a plain tuple of it, tuple(row), or a dict, dict(row._mapping)",
    (
        "plain tuples, [tuple(row) for row in rows], or dicts, [dict(row._mapping) for row in "
        "rows]; or annotate the function, as -> list[tuple[int, str]], and a hit gives tuples"
    ),
    tuple,
)
_MODEL: Final = Foreign(
    "belongs to a session of the database, and changes with it",
    "its primary key, or its fields",
    "its fields, as a dict, a tuple or a dataclass",
)
_TASK: Final = Foreign(
    "is the task that runs the function",
    "what the function needs of it, and leave it out with mark(ignore=…)",
    "what the task returns",
)


def _no_result(returns: str) -> Foreign:
    """Of what counts as an argument as any object does."""
    return Foreign("has no stored form", "", returns)


_SESSION: Final = Foreign(
    "is open to the database", "the engine, or leave it out with mark(ignore=…)", "the rows"
)
_PLAN: Final = Foreign(
    "is a plan that is not computed yet", *("what its compute() gives", "what its compute() gives")
)
_HANDLE: Final = Foreign(
    "leads to a file, a store or a table, and does not tell what is in it",
    *("its path with File(…), or what you read of it", "what you read of it"),
)

_PACKAGES: Final = {
    **dict.fromkeys(("dask", "dask_expr", "distributed"), _PLAN),
    "pyspark": _PLAN._replace(
        passes="what its collect() gives", returns="what its collect() gives"
    ),
    **dict.fromkeys(("diskcache", "h5netcdf", "h5py", "ibis", "netCDF4", "tiledb"), _HANDLE),
}
"""By the top-level package of a class or of one that it derives from."""

_CLASSES: Final = {
    "astropy.table.table:Table": _no_result(
        "its columns, {c.name: (numpy.array(c), str(c.unit)) for c in ….itercols()}"
    ),
    "astropy.units.core:UnitBase": _no_result("its text, ….to_string()"),
    "bs4.element:Tag": _no_result("its text, str(…) or ….get_text()"),
    "bson.objectid:ObjectId": _no_result("its text, str(…)"),
    "celery.app.task:Task": _TASK,
    "google.protobuf.message:Message": _no_result(
        "….SerializeToString(), and make the message of it outside, by FromString(…)"
    ),
    "huey.api:Task": _TASK,
    "lxml.etree:_Element": _no_result("etree.tostring(…) of it"),
    "lxml.etree:_ElementTree": _no_result("etree.tostring(…) of it"),
    "msgspec:Struct": _no_result("msgspec.to_builtins(…), or take a dataclass in its place"),
    "peewee:Model": _no_result("list(….dicts()) of the query"),
    "pint.facets.plain.quantity:PlainQuantity": _no_result(
        "….to_tuple(), and make it again outside, by ureg.Quantity.from_tuple(…)"
    ),
    "django.db.models.base:Model": _MODEL._replace(
        passes="", returns="its values: list(….values()), or model_to_dict(…)"
    ),
    "django.db.models.manager:BaseManager": _ROWS,
    "django.db.models.query:QuerySet": _ROWS,
    "django.db.models.query:RawQuerySet": _ROWS,
    "django.http.request:HttpRequest": _REQUEST,
    "django.http.response:HttpResponseBase": _RESPONSE,
    "django.utils.functional:Promise": Foreign(
        "is a text that is made when it is used, in the language of that moment",
        *("str(…) of it", "str(…) of it"),
    ),
    "sqlalchemy.engine.row:Row": _ROW,
    "sqlalchemy.engine.row:RowMapping": _ROW._replace(
        passes="dict(row)", returns="dict(row)", plain=dict
    ),
    **dict.fromkeys(
        (
            *("sqlalchemy.orm.session:Session", "sqlalchemy.ext.asyncio.session:AsyncSession"),
            *("sqlalchemy.orm.session:sessionmaker", "sqlalchemy.orm.scoping:scoped_session"),
            *("sqlalchemy.ext.asyncio.session:async_sessionmaker",),
            *("sqlalchemy.ext.asyncio.scoping:async_scoped_session",),
        ),
        _SESSION,
    ),
    "sqlalchemy.sql.elements:ClauseElement": Foreign(
        "is made of the tables of this process",
        *("its text, str(statement), and its parameters", "its text, str(statement)"),
    ),
    "sqlalchemy.sql.elements:TextClause": Foreign("is a statement", "", "its text, str(statement)"),
    "sqlite3:Row": _no_result("tuple(row), or dict(row)"),
    "starlette.background:BackgroundTask": Foreign(
        "would not run where the result is found",
        *("what the function needs, and add tasks outside of it", "what they work on"),
    ),
    "starlette.datastructures:UploadFile": Foreign(
        "is a file of the request that is answered just now",
        *("its bytes, await file.read()", "its bytes"),
    ),
    "starlette.requests:HTTPConnection": _REQUEST,
    "starlette.responses:Response": _RESPONSE,
    "sympy.core.basic:Basic": _no_result("sympy.srepr(…), and sympify that outside"),
    "werkzeug.sansio.request:Request": _REQUEST,
    "werkzeug.sansio.response:Response": _RESPONSE,
    "xml.etree.ElementTree:Element": _no_result("ElementTree.tostring(…) of it"),
    "xml.etree.ElementTree:ElementTree": _no_result("ElementTree.tostring(….getroot())"),
    **dict.fromkeys(
        (
            *("_duckdb:DuckDBPyRelation", "duckdb._relation:DuckDBPyRelation"),
            *("duckdb.duckdb:DuckDBPyRelation", "boto3.resources.base:ServiceResource"),
            *("fsspec.core:OpenFile", "fsspec.core:OpenFiles", "fsspec.mapping:FSMap"),
            *("fsspec.spec:AbstractBufferedFile", "s3fs.core:S3File"),
            "fsspec.implementations.memory:MemoryFileSystem",
            *("google.cloud.bigquery.table:Table", "google.cloud.storage.blob:Blob"),
            *("numpy.lib.npyio:NpzFile", "numpy.lib._npyio_impl:NpzFile"),
            *("pandas:HDFStore", "pandas.io.pytables:HDFStore"),
            *("pandas:ExcelFile", "pandas.io.excel._base:ExcelFile"),
            *("pyarrow._dataset:Dataset", "pyarrow._dataset:Fragment", "pyarrow._dataset:Scanner"),
            *("pyarrow.parquet.core:ParquetFile", "pyarrow.parquet.core:ParquetDataset"),
            *("tables.file:File", "tables.node:Node"),
            *("zarr.abc.store:Store", "zarr.core:Array", "zarr.hierarchy:Group"),
            *("zarr.core.array:Array", "zarr.core.array:AsyncArray"),
            *("zarr.core.group:Group", "zarr.core.group:AsyncGroup"),
            *("_dbm:dbm", "_gdbm:gdbm", "dbm.dumb:_Database", "dbm.sqlite3:_Database"),
            *("mmap:mmap", "shelve:Shelf", "tarfile:TarFile"),
            *("zipfile:ZipFile", "zipfile:Path", "zipfile._path:Path"),
        ),
        _HANDLE,
    ),
}


def foreign(cls: type) -> Foreign | None:
    """What is said of the instances of a class; None for those of other classes."""
    names = [f"{base.__module__}:{base.__qualname__}" for base in cls.__mro__]
    found = next((_CLASSES[name] for name in names if name in _CLASSES), None)
    roots = [root_of(base.__module__) for base in cls.__mro__] if found is None else ()
    found = found or next((_PACKAGES[root] for root in roots if root in _PACKAGES), None)
    is_mapped = any("_sa_class_manager" in vars(base) for base in cls.__mro__)
    return _MODEL if found is None and is_mapped else found


_PROXIES: Final = frozenset(
    {
        *("bottle:LocalRequest", "celery:Proxy", "quart:LocalProxy"),
        *("cherrypy:_ThreadLocalProxy", "starlette_context:_Context", "werkzeug:LocalProxy"),
        *("streamlit:ContextProxy", "streamlit:QueryParamsProxy", "streamlit:SessionStateProxy"),
        "streamlit:UserInfoProxy",
    }
)
"""Classes of what stands for something of the moment, by their top-level packages."""

_ASKED: Final = frozenset(
    {
        *("crum:get_current_request", "crum:get_current_user"),
        *("django.utils.timezone:get_current_timezone", "django.utils.translation:get_language"),
        *("django_currentuser.middleware:get_current_user", "flask_babel:get_locale"),
        *("flask_jwt_extended.utils:get_jwt", "flask_jwt_extended.utils:get_jwt_identity"),
        *("pyramid.threadlocal:get_current_request", "structlog.contextvars:get_contextvars"),
    }
)
"""Functions that give it."""


def moment_in(
    function: FunctionType, less: Collection[str] = (), *, with_variables: bool = False
) -> str:
    """What a function reads that is another one in each request, session or context; "" if nothing.

    Where its code names it, by itself, or in a module as ``flask.request`` or ``st.session_state``.
    Flask's ``current_app`` is of the process.

    Args:
        function: the function, without its wrappers.
        less: names of what does not count.
        with_variables: whether a `ContextVar` is such a thing.
    """
    codes = [function.__code__]
    for code in codes:  # which grows
        codes.extend([each for each in code.co_consts if type(each) is CodeType])
    used = {name for code in codes for name in code.co_names} - {"current_app", *less}
    held = function.__globals__
    modules = [each for name in used for each in (held.get(name), sys.modules.get(name))]
    places = [held, *(vars(each) for each in modules if type(each) is ModuleType)]
    for name in sorted(used):
        for value in [place[name] for place in places if name in place]:
            kind: Any = type(value)
            is_asked = kind is FunctionType and f"{value.__module__}:{value.__name__}" in _ASKED
            if (
                is_asked
                or (kind is ContextVar and with_variables)
                or f"{root_of(kind.__module__)}:{kind.__qualname__}" in _PROXIES
            ):
                return name
    return ""

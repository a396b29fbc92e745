"""What can't be beaten by much: SQLite, a file or a dictionary, with next to nothing around."""

from __future__ import annotations

import functools
import hashlib
import shelve
import sqlite3
import threading
from contextlib import closing
from importlib import import_module as load
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import adapter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.workload import Function

SELECT = "sqlite3 SELECT"
INSERT = "sqlite3 INSERT, commit"
THIN = "thinnest decorator over SQLite"
FILE = "plain file"

TABLE = "CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, data BLOB)"
SELECT_ROW = "SELECT data FROM results WHERE key = ?"
INSERT_ROW = "INSERT OR REPLACE INTO results VALUES (?, ?)"
_msgpack = load("msgpack")  # by name: it has no types to check
_KEY = "0123456789abcdef0123456789abcdef"
DATA = _msgpack.packb({"text": "some words", "factor": 0.5, "good": True})


def connect(directory: Path) -> sqlite3.Connection:
    """A connection with the settings that everybody recommends, in autocommit."""
    connection = sqlite3.connect(directory / "raw.db", isolation_level=None, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(TABLE)
    return connection


def _execute(directory: Path) -> Callable[..., Any]:
    """`execute` of the calling thread's own connection."""
    local = threading.local()

    def execute(statement: str, values: tuple[Any, ...]) -> Any:
        try:
            own = local.execute
        except AttributeError:
            own = local.execute = connect(directory).execute
        return own(statement, values)

    return execute


@adapter(SELECT)
def select(directory: Path, function: Function) -> Iterator[Function]:
    """One row by its primary key, and nothing else."""
    del function
    with closing(connect(directory)) as connection:
        connection.execute(INSERT_ROW, (_KEY, DATA))
        execute = connection.execute
        yield lambda *_: execute(SELECT_ROW, (_KEY,)).fetchone()


@adapter(f"{SELECT}, threads")
def select_in_threads(directory: Path, function: Function) -> Iterator[Function]:
    """The same, with a connection for each thread."""
    del function
    execute = _execute(directory)
    execute(INSERT_ROW, (_KEY, DATA))
    yield lambda *_: execute(SELECT_ROW, (_KEY,)).fetchone()


@adapter(INSERT)
def insert(directory: Path, function: Function) -> Iterator[Function]:
    """One row a call, committed; the first argument is a number, the keys scattered as hashes."""
    del function
    with closing(connect(directory)) as connection:
        execute = connection.execute
        yield lambda number, *_: execute(INSERT_ROW, (_scattered(number), DATA))


def _scattered(number: int) -> str:
    """32 hex digits for a number, at next to no cost (Knuth's multiplicative hashing)."""
    return f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 & (1 << 128) - 1:032x}"


@adapter(THIN)
def thin(directory: Path, function: Function) -> Iterator[Function]:
    """Pack the arguments, hash them, select, unpack; no keywords, no types, no safety."""
    with closing(connect(directory)) as connection:
        yield _thin(connection.execute, function)


@adapter(f"{THIN}, threads")
def thin_in_threads(directory: Path, function: Function) -> Iterator[Function]:
    """The same, with a connection for each thread."""
    yield _thin(_execute(directory), function)


def _thin(execute: Callable[..., Any], function: Function) -> Function:
    pack, unpack, digest = _msgpack.Packer().pack, _msgpack.unpackb, hashlib.sha256

    def remembered(*arguments: Any) -> Any:
        key = digest(pack(arguments)).hexdigest()
        row = execute(SELECT_ROW, (key,)).fetchone()
        if row is not None:
            return unpack(row[0])
        value = function(*arguments)
        execute(INSERT_ROW, (key, pack(value)))
        return value

    return remembered


@adapter("shelve")
def shelved(directory: Path, function: Function) -> Iterator[Function]:
    """The standard library's; for one process at a time."""
    with shelve.open(str(directory / "shelf")) as shelf:  # noqa: S301 - our own file

        def remembered(*arguments: Any) -> Any:
            key = repr(arguments)
            try:
                return shelf[key]
            except KeyError:
                value = shelf[key] = function(*arguments)
                return value

        yield remembered


@adapter("functools.lru_cache (memory)")
def lru_cache(directory: Path, function: Function) -> Iterator[Function]:
    """Memory only, and every caller gets the same object."""
    del directory
    yield functools.lru_cache(maxsize=1024)(function)


@adapter(FILE)
def plain_file(directory: Path, function: Function) -> Iterator[Function]:
    """A file a call, named by the first argument; holds any buffer."""

    def remembered(number: int, *rest: Any) -> Any:
        path = directory / f"{number}.bin"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            value = function(number, *rest)
            path.write_bytes(value)
            return value

    yield remembered

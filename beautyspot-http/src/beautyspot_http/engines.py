"""Engines of SQLAlchemy, as arguments: they count by their URL, without the password.

So does what `create_engine` was told beside the URL, as far as it can be read. An engine of a
database in memory is refused, since nothing says what is in it; so is one with listeners or a
`creator` of the program, which may lead elsewhere than the URL says.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import TypeSupport

from beautyspot_http.counting import SAY, check_methods, digest, refuse, replaced, without_defaults
from beautyspot_http.secrecy import is_secret_parameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DIALECT: Final = {
    "_json_deserializer": None,
    "_json_serializer": None,
    "_on_connect_isolation_level": None,
    "coerce_to_decimal": True,
    "native_datetime": False,
}
_PASSWORDS: Final = frozenset({"password", "passwd", "pwd", "pw"})
_OF_ODBC: Final = r"(?i)\b(?:pwd|password)\s*=\s*(?:\{[^}]*\}|[^;]*)"
_FILES: Final = ("sqlite", "duckdb")


class EngineTypes(TypeSupport):
    """`sqlalchemy.Engine` and `AsyncEngine`, also with other execution options."""

    name = "sqlalchemy-engine"
    classes = (
        "sqlalchemy.engine.base:Engine",
        "sqlalchemy.engine.base:OptionEngine",
        "sqlalchemy.ext.asyncio.engine:AsyncEngine",
    )

    def key(self, value: Any) -> object:
        """See the base class."""
        engine = getattr(value, "sync_engine", value)
        if f"{type(engine).__module__}:{type(engine).__qualname__}" not in self.classes:
            replaced("sync_engine")
        options: dict[str, object] = {}
        while True:  # from an engine with options to the one that it was made from
            check_methods(engine)
            _check_listeners(engine.dispatch, ())
            options = {**engine._execution_options, **options}
            if "_proxied" not in vars(engine):
                break
            engine = engine._proxied
        _check_listeners(engine.pool.dispatch, ("sqlalchemy",))
        _check_listeners(engine.dialect.dispatch, ("sqlalchemy",))
        return {
            **_url(engine.url),
            **without_defaults(
                args=_given(engine), options=options, dialect=_of_dialect(vars(engine.dialect))
            ),
        }


def _of_dialect(held: Mapping[str, object]) -> dict[str, object]:
    """What was said of how values come back, where it is not the default."""
    return {name: held[name] for name, usual in _DIALECT.items() if held.get(name, usual) != usual}


def _check_listeners(dispatch: Any, own: tuple[str, ...]) -> None:
    """Refuse an engine to which the program listens; listeners of all engines are its code."""
    local = getattr(dispatch, "local", dispatch)
    for event in local._event_names:
        for listener in getattr(local, event).listeners:
            if str(listener.__module__).partition(".")[0] not in own:
                refuse(f"has a listener of {event}, which may change what it does: {SAY}")


def _url(url: Any) -> dict[str, object]:
    return {
        "driver": url.drivername,
        "database": _database(url),
        **without_defaults(
            host=url.host,
            port=url.port,
            user=url.username,
            query=dict(_less_passwords(url.query)),
        ),
    }


def _database(url: Any) -> str | None:
    """The database; one in a file by its absolute path, one in memory is refused."""
    database: str | None = url.database
    if url.get_backend_name() not in _FILES:
        return database
    if not database or ":memory:" in database or url.query.get("mode") == "memory":
        refuse(f"has its database in memory, so nothing says what is in it: {SAY}")
    uri, path = re.fullmatch(r"(file:(?://)?)?(.*)", database, re.DOTALL).groups()  # type: ignore[union-attr] # any text matches
    return f"{uri or ''}{os.path.abspath(path)}"  # noqa: PTH100 - a text, of any system


def _less_passwords(values: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Parameters by their digests, less the password.

    Raises:
        UnstableKeyError: another one is a credential, or is not a plain value.
    """
    for name, value in sorted(values.items()):
        if name.lower() in _PASSWORDS:
            continue
        if name == "odbc_connect":
            yield name, digest(re.sub(_OF_ODBC, "", value))
        elif is_secret_parameter(name):
            refuse(f"is told {name}, so another user's answers may differ: {SAY}")
        else:
            yield name, _digests(value)


def _digests(value: Any) -> object:
    if isinstance(value, list | tuple):
        return [_digests(each) for each in value]
    return dict(_less_passwords(value)) if isinstance(value, dict) else digest(value)


def _given(engine: Any) -> dict[str, object]:
    """What ``connect_args=`` adds to the URL: `create_engine` keeps it for its own function."""
    connect = engine.pool._creator
    path = (getattr(connect, "__module__", ""), getattr(connect, "__qualname__", ""))
    if path != ("sqlalchemy.engine.create", "create_engine.<locals>.connect"):
        refuse(f"has a creator or a pool of its own, which may lead elsewhere: {SAY}")
    kept = dict(zip(connect.__code__.co_freevars, connect.__closure__, strict=True))
    positional = kept.get("cargs_tup") or kept["cargs"]  # the latter in releases before 2.1
    named = kept["cparams"].cell_contents
    args, by_url = engine.dialect.create_connect_args(engine.url)
    if list(positional.cell_contents) != list(args):
        refuse(f"connects by other arguments than its URL says: {SAY}")
    return dict(_less_passwords({n: each for n, each in named.items() if by_url.get(n) != each}))

"""Where a server is: what a URL says, with libpq's own parameters beside it.

Forms, where ``postgresql`` is the same::

    postgres://user:password@host:5432/database?sslmode=verify-full
    postgres://user@/database?host=/run/postgresql
    postgres://user@host1,host2/database?target_session_attrs=read-write

All else is libpq's: its parameters, its environment variables, its password and service files
(https://www.postgresql.org/docs/current/libpq-connect.html). What these variables and files say is
read by libpq when it connects, and not kept here. No message here shows a part of a URL in which a
password may be.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEMES: Final = ("postgres", "postgresql")
"""Of the URLs that are read here."""

URL_VARIABLE: Final = "DATABASE_URL"
"""Names the server where neither a URL nor an option does; then come libpq's own variables."""

PASSWORD_VARIABLE: Final = "PGPASSWORD"  # noqa: S105 - the name of one

_EXAMPLE: Final = "postgres://user@host:5432/database"
_SECRETS: Final = ("password", "sslpassword", "oauth_client_secret")
_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_SERVER: Final = ("host", "hostaddr", "service")
_LISTS: Final = frozenset({"host", "hostaddr", "port"})

_VALUES: Final = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": (
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ),
}

_BESIDE: Final = ("namespace", "schema", "timeout", "lease_time", "rate")
"""Options of a store or a limiter, for what to say to one that is misspelt, or stands elsewhere."""

_OURS: Final = {
    "client_encoding": "it is UTF8",
    "connect_timeout": "give timeout= instead",
    "replication": "results are rows",
}
"""Parameters of libpq that are not the user's -> why, or what to give."""


@dataclass(frozen=True)
class Address:
    """A server, or several of which one is taken.

    Attributes:
        parameters: libpq's, as they were given, not those of the environment.
        holds_secret: whether a password was given, and not left to the environment.
    """

    parameters: Mapping[str, str] = field(repr=False)
    holds_secret: bool = False

    @property
    def password_variable(self) -> str:
        """Of the environment: where libpq reads a password that was not given."""
        return PASSWORD_VARIABLE

    @property
    def secrets(self) -> list[str]:
        """What no message may repeat."""
        found = [self.parameters.get(name) for name in _SECRETS]
        return [secret for secret in (*found, os.environ.get(PASSWORD_VARIABLE)) if secret]

    @property
    def names_server(self) -> bool:
        """Whether a server is named, here or in the environment: else it is a local socket."""
        return any(self._effective(name) for name in _SERVER)

    @property
    def user(self) -> str:
        """Who connects; empty where libpq takes the user of the operating system."""
        return self._effective("user")

    def attempts(self) -> list[dict[str, str]]:
        """The parameters for each of its hosts, to be tried in their order."""
        lists = {name: self.parameters[name].split(",") for name in _LISTS & self.parameters.keys()}
        count = max(map(len, lists.values()), default=1)
        each = {name: found * count if len(found) == 1 else found for name, found in lists.items()}
        return [
            {**self.parameters, **{name: found[number] for name, found in each.items()}}
            for number in range(count)
        ]

    def __str__(self) -> str:
        """The URL without credentials and options, for messages."""
        service = self._effective("service")
        hosts = (self._effective("host") or self._effective("hostaddr")).split(",")
        if service and not any(hosts):
            return f"postgres://?service={service}"
        database = f"/{self._effective('dbname')}".rstrip("/")
        if hosts[0].startswith(("/", "@")) or not any(hosts):
            socket = f"?host={hosts[0]}" if hosts[0] else ""
            return f"postgres://{database or '/'}{socket}"
        ports = self._effective("port").split(",")
        ports = ports * len(hosts) if len(ports) == 1 else ports
        pairs = zip(hosts, ports, strict=False)
        shown = (f"[{h}]:{p or 5432}" if ":" in h else f"{h}:{p or 5432}" for h, p in pairs)
        return f"postgres://{','.join(shown)}{database}"

    def _effective(self, name: str) -> str:
        """What was given, else what libpq takes from the environment."""
        return self.parameters.get(name) or os.environ.get(_VARIABLES.get(name, ""), "")


_VARIABLES: Final = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "service": "PGSERVICE",
}


def parsed(url: str | None, options: Mapping[str, Any]) -> Address:
    """The address that a URL and the parameters beside it name.

    Args:
        url: with or without a query, whose names are libpq's parameters; None is `DATABASE_URL`,
            and where it is not set or a server is named in `options`, libpq's environment.
        options: parameters of libpq; None stands for what was not given.

    Raises:
        ConfigError: a parameter is unknown or wrong, the URL is malformed, or they contradict each
            other; says what to write.
    """
    beside = {name: _text(name, value) for name, value in options.items() if value is not None}
    text, source = url, "the URL"
    if url is None and not any(name in beside for name in _SERVER):
        text, source = os.environ.get(URL_VARIABLE) or None, URL_VARIABLE
    _check_names(beside, "beside the URL")
    in_url = {} if text is None else _from_url(text, source)
    for name in in_url.keys() & beside.keys():
        if in_url[name] != beside[name]:
            raise ConfigError(f"{name} is given twice, in {source} and beside it: leave one out")
    parameters = {**in_url, **beside}
    _keep_system(parameters)
    _check_values(parameters)
    given = beside if url is None else parameters
    return Address(parameters, holds_secret=any(given.get(name) for name in _SECRETS))


def _text(name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | Path):
        raise ConfigError(f"{_shown(name)} is no text: write it in quotes")
    return str(value)


def _from_url(url: object, source: str) -> dict[str, str]:
    if not isinstance(url, str):
        raise ConfigError(f'url= takes a text such as "{_EXAMPLE}", not {type(url)}')
    _check_form(url, source)
    from psycopg import Error, conninfo

    _check_names(re.findall(r"[?&]([^=&]*)", url), f"in {source}")
    try:
        found = conninfo.conninfo_to_dict(url)
    except Error:
        raise ConfigError(
            f"{source} is malformed: write {_EXAMPLE}, an IPv6 address in brackets, parameters as "
            'in ?sslmode=require, and in a user or a password "%" as %25'
        ) from None
    texts = {name: str(value) for name, value in found.items() if value is not None}
    return {name: text for name, text in texts.items() if text.strip(",")}  # ports of no host


def _check_form(url: str, source: str) -> None:
    """Refuse what libpq would read as something else, and repeat in its messages."""
    scheme, sign, rest = url.partition("://")
    if not sign or scheme not in SCHEMES:
        dialect = scheme.partition("+")[0] in SCHEMES
        advice = 'leave out "+" and what follows it' if dialect else f"write {_EXAMPLE}"
        raise ConfigError(f"{source} does not begin with postgres:// or postgresql://: {advice}")
    authority, _, after = rest.partition("/")
    base, _, query = authority.partition("?")
    if "@" in after.partition("?")[0] or base.count("@") > 1 or "@" in query:
        raise ConfigError(
            f"the user or the password in {source} has a sign that ends it: "
            'write "@" as %40, "/" as %2F, ":" as %3A and "?" as %3F'
        )


def _check_names(names: Iterable[str], where: str) -> None:
    known = _known()
    for name in map(unquote, names):
        if name in _OURS:
            raise ConfigError(f"leave out {name} {where}: {_OURS[name]}")
        if name not in known:
            raise ConfigError(f"libpq has no parameter {_shown(name)}, {where}.{_meant(name)}")


def _known() -> list[str]:
    try:
        from psycopg import pq
    except ImportError:
        raise ConfigError(
            "psycopg, or the libpq that it needs, can't be imported here: "
            "pip install 'psycopg[binary]>=3.2'"
        ) from None
    return [option.keyword.decode() for option in pq.Conninfo.get_defaults()]


def _shown(name: str) -> str:
    """A parameter's name, unless it is none and may be a part of a password."""
    return repr(name) if re.fullmatch("[a-z_]{1,40}", name) else "of such a name"


def _meant(name: str) -> str:
    import difflib

    if name in _BESIDE:
        return f" Give it beside the URL, as {name}="
    close = difflib.get_close_matches(name, [*_known(), *_BESIDE], 1)
    if close:
        return f" Did you mean {close[0]!r}?"
    return ' Leave it out, or correct it; in a password write "?" as %3F and "&" as %26'


def _keep_system(parameters: dict[str, str]) -> None:
    """Undo what core makes of ``sslrootcert="system"`` in a file: a path beside that file."""
    path = Path(parameters.get("sslrootcert", ""))
    if path.name == "system" and not path.exists():
        parameters["sslrootcert"] = "system"


def _check_values(parameters: Mapping[str, str]) -> None:
    for port in parameters.get("port", "").split(","):
        if port and not (port.isdecimal() and 0 < int(port) < 65536):
            raise ConfigError("a port is malformed: write host:port, with a port from 1 to 65535")
    for name, values in _VALUES.items():
        if parameters.get(name, "") not in ("", *values):
            raise ConfigError(f"{name} has no such value: give {', '.join(values)}")
    for name in _FILES:
        path = parameters.get(name)
        if path and path != "system" and not os.path.isfile(path):  # noqa: PTH113 - as libpq has it
            raise ConfigError(f"{name}={path!r:.300} is no file that can be seen: correct it")
    counts = {parameters[name].count(",") for name in ("host", "hostaddr") if name in parameters}
    ports = parameters.get("port", "").count(",")
    if len(counts | ({ports} if ports else set())) > 1:
        raise ConfigError("give one port for all hosts, or one for each of them")

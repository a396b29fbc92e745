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
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from beautyspot.errors import ConfigError
from psycopg import Error, conninfo, pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCHEMES: Final = ("postgres", "postgresql")
"""Of the URLs that are read here."""

URL_VARIABLE: Final = "DATABASE_URL"
"""Names the server where neither a URL nor an option does; then come libpq's own variables."""

_EXAMPLE: Final = "postgres://user@host:5432/database"
SECRETS: Final = ("password", "sslpassword", "oauth_client_secret")
"""Parameters that no message may show."""

_FILES: Final = ("sslrootcert", "sslcert", "sslkey", "sslcrl")

_VALUES: Final = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": (
        *("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    ),
}

_OURS: Final = {
    "client_encoding": "it is UTF8",
    "connect_timeout": "give timeout= instead",
    "replication": "results are rows",
}
"""Parameters of libpq that are not the user's -> why, or what to give."""


class Address:
    """A server, or several of which one is taken.

    Args:
        url: with or without a query, whose names are libpq's parameters; None is `DATABASE_URL`,
            and where it is not set or a server is named in `beside`, libpq's environment.
        beside: parameters of libpq; None stands for what was not given.

    Attributes:
        parameters: libpq's, as they were given, not those of the environment.
        holds_secret: whether a password was given, and not left to the environment.
        password_variable: of the environment: where libpq reads a password that was not given.

    Raises:
        ConfigError: a parameter is unknown or wrong, the URL is malformed, or they contradict each
            other; says what to write.
    """

    password_variable = "PGPASSWORD"  # noqa: S105 - the name of one

    def __init__(self, url: str | None, beside: Mapping[str, Any]) -> None:
        given = {name: str(value) for name, value in beside.items() if value is not None}
        _check_names(given, "beside the URL")
        text, source = url, "the URL"
        if url is None and not {"host", "hostaddr", "service"} & given.keys():
            text, source = os.environ.get(URL_VARIABLE) or None, URL_VARIABLE
        in_url = {} if text is None else _from_url(text, source)
        for name in in_url.keys() & given.keys():
            if in_url[name] != given[name]:
                raise ConfigError(
                    f"{name} is given twice, in {source} and beside it: leave one out"
                )
        self.parameters: Final = {**in_url, **given}
        _check_values(self.parameters)
        secrets = given if url is None else self.parameters
        self.holds_secret: Final = any(secrets.get(name) for name in SECRETS)

    def known(self) -> dict[str, str]:
        """What was given, and else what libpq takes from the environment."""
        defaults = {each.keyword: each.val for each in pq.Conninfo.get_defaults() if each.val}
        return {name.decode(): val.decode() for name, val in defaults.items()} | self.parameters

    def __str__(self) -> str:
        """The URL without credentials and options, for messages."""
        known = self.known()
        host, database = known.get("host") or known.get("hostaddr", ""), known.get("dbname", "")
        if not host and "service" in known:
            return f"postgres://?service={known['service']}"
        if not host or host.startswith(("/", "@")):
            return f"postgres:///{database}" + f"?host={host}" * bool(host)
        ports = cycle(known["port"].split(","))
        hosts = (f"[{each}]" if ":" in each else each for each in host.split(","))
        shown = ",".join(f"{each}:{port or 5432}" for each, port in zip(hosts, ports))  # noqa: B905
        return f"postgres://{shown}" + f"/{database}" * bool(database)


def _from_url(url: object, source: str) -> dict[str, str]:
    if not isinstance(url, str):
        raise ConfigError(f'url= takes a text such as "{_EXAMPLE}", not {type(url)}')
    scheme, sign, rest = url.partition("://")
    if not sign or scheme not in SCHEMES:
        raise ConfigError(
            f"{source} does not begin with postgres:// or postgresql:// (without "
            f'"+psycopg"): write {_EXAMPLE}'
        )
    authority, _, after = rest.partition("/")
    base, _, query = authority.partition("?")
    if "@" in after.partition("?")[0] or base.count("@") > 1 or "@" in query:
        raise ConfigError(  # libpq would read it as something else, and repeat it in its messages
            f"the user or the password in {source} has a sign that ends it: "
            'write "@" as %40, "/" as %2F, ":" as %3A and "?" as %3F'
        )
    _check_names(map(unquote, re.findall(r"[?&]([^=&]*)", url)), f"in {source}")
    try:
        found = conninfo.conninfo_to_dict(url)
    except Error:
        raise ConfigError(
            f"{source} is malformed: write {_EXAMPLE}, an IPv6 address in brackets, parameters as "
            'in ?sslmode=require, and in a user or a password "%" as %25'
        ) from None
    lists = ("host", "hostaddr", "port")  # of several servers, none of which may say any
    return {
        name: str(value)
        for name, value in found.items()
        if str(value).strip("," if name in lists else "")
    }


def _check_names(names: Iterable[str], where: str) -> None:
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    for name in names:
        if name in _OURS:
            raise ConfigError(f"leave out {name} {where}: {_OURS[name]}")
        if name not in known:  # it may be a part of a password
            shown = repr(name) if re.fullmatch("[a-z_]{1,40}", name) else "of such a name"
            raise ConfigError(
                f"there is no option and no parameter of libpq {shown}, {where}: correct it, or "
                'leave it out; options of ours stand beside the URL; in a password write "?" as '
                '%3F and "&" as %26'
            )


def _check_values(parameters: dict[str, str]) -> None:
    for port in parameters.get("port", "").split(","):
        if port and not (port.isdecimal() and 0 < int(port) < 65536):
            raise ConfigError("a port is malformed: write host:port, with a port from 1 to 65535")
    for name, values in _VALUES.items():
        if parameters.get(name, "") not in ("", *values):
            raise ConfigError(f"{name} has no such value: give {', '.join(values)}")
    path = Path(parameters.get("sslrootcert", ""))
    if path.name == "system" and not path.exists():  # core took it for a path beside its file
        parameters["sslrootcert"] = "system"
    for name in _FILES:
        file = parameters.get(name)
        if file and file != "system" and not os.path.isfile(file):  # noqa: PTH113 - as libpq has it
            raise ConfigError(f"{name}={file!r:.300} is no file that can be seen: correct it")

"""Where a server is: what a URL says, with the options beside it.

Forms, where ``redis`` may be ``valkey``, and a scheme with one ``s`` more (``rediss``, ``valkeys``,
``rediss+cluster``) means TLS::

    redis://user:password@host:6379/0
    unix://user:password@/run/redis.sock?db=0
    redis+sentinel://user:password@host1:26379,host2:26379/service/0
    redis+cluster://user:password@host1:7000,host2:7001

They are those of redis-py (https://redis.readthedocs.io/en/stable/connections.html), and for the
other two modes those of Celery's and Lettuce's kind. No message here shows a part of a URL in which
a password may be.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

from beautyspot.contracts import checked
from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SERVERS: Final = ("redis", "rediss", "valkey", "valkeys")
_SEVERAL: Final = ("", "+sentinel", "+cluster")

SCHEMES: Final = (*(f"{server}{several}" for server in _SERVERS for several in _SEVERAL), "unix")
"""Of the URLs that are read here."""

URL_VARIABLE: Final = "REDIS_URL"
"""Names the server where no URL is given."""

USERNAME_VARIABLE: Final = "REDIS_USERNAME"
PASSWORD_VARIABLES: Final = ("REDIS_PASSWORD", "REDISCLI_AUTH")
"""The environment's credentials, where neither the URL nor an option names any."""

_PORTS: Final[dict[str, int]] = {"server": 6379, "sentinel": 26379, "cluster": 6379}

_HOST: Final = r"(?:\[([0-9A-Za-z:.%_-]+)\]|([^\[\]:@/\s]+))(?::(\d+))?"

SHORTEST: Final = 0.001
LONGEST: Final = 3600.0
"""Seconds of a time-out."""

_TLS: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OF_SENTINELS: Final = ("sentinel_username", "sentinel_password")


@dataclass(frozen=True)
class Options:
    """What may be said beside the URL; see `RedisMetadataStore`."""

    timeout: float = 5.0
    retries: int = 1
    db: int | None = None
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    sentinel_username: str | None = field(default=None, repr=False)
    sentinel_password: str | None = field(default=None, repr=False)
    ssl_ca_certs: str | Path | None = None
    ssl_certfile: str | Path | None = None
    ssl_keyfile: str | Path | None = None
    ssl_check_hostname: bool = True


@dataclass(frozen=True)
class Address:
    """A server, a service behind Sentinels, or a cluster.

    Attributes:
        scheme: as it was written.
        hosts: host and port of the server, of the Sentinels, or of some nodes of the cluster.
        path: of a unix socket, in the place of hosts.
        service: the name that Sentinels know it by.
        username, password: as they were given, not those of the environment.
        options: all others.
    """

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    path: str | None
    service: str | None
    db: int
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)
    options: Options

    @property
    def mode(self) -> str:
        """What it is the address of: ``"server"``, ``"sentinel"`` or ``"cluster"``."""
        return _mode(self.scheme)

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.scheme.partition("+")[0] in ("rediss", "valkeys")

    @property
    def credentials(self) -> dict[str, str]:
        """User and password as they were given, else those of the environment of this moment."""
        given = {"username": self.username, "password": self.password}
        if given == {"username": None, "password": None}:
            passwords = (os.environ.get(name) for name in PASSWORD_VARIABLES)
            given["password"] = next(filter(None, passwords), None)
            # The user alone would be sent with no password, which only a misconfigured one has.
            given["username"] = given["password"] and os.environ.get(USERNAME_VARIABLE)
        return {name: value for name, value in given.items() if value}

    @property
    def holds_secret(self) -> bool:
        """Whether a password was given, be it the server's or the Sentinels'."""
        return bool(self.password or self.options.sentinel_password)

    @property
    def password_variable(self) -> str:
        """Of the environment: where a password is read that was not given."""
        return PASSWORD_VARIABLES[0]

    @property
    def are_from_environment(self) -> bool:
        """Whether the credentials are those of the environment."""
        return self.username is None and self.password is None and bool(self.credentials)

    def __str__(self) -> str:
        """The URL without its credentials, for messages."""
        hosts = ",".join(f"[{h}]:{p}" if ":" in h else f"{h}:{p}" for h, p in self.hosts)
        after = "" if self.service is None else f"/{self.service}"
        after += f"/{self.db}" if self.db and self.path is None else ""
        return f"{self.scheme}://{self.path or hosts}{after}"


def parsed(url: str | None, options: Mapping[str, Any]) -> Address:
    """The address that a URL and the options beside it name.

    Args:
        url: with or without a query, whose names are those of `options`; None is `REDIS_URL`.
        options: the fields of `Options`; None stands for what was not given.

    Raises:
        ConfigError: an option is unknown or wrong, the URL is malformed, or they contradict each
            other; says what to write.
    """
    url = _url(url)
    base, _, query = url.partition("?")
    given = {name: value for name, value in options.items() if value is not None}
    values = {**_from_query(query), **given}
    values["timeout"] = _timeout(values.get("timeout", Options.timeout))
    stated = Options(**values)
    _check_values(stated)
    address = _Text(base).address(stated)
    _check_together(address)
    return address


def _url(url: str | None) -> str:
    text = os.environ.get(URL_VARIABLE, "") if url is None else url
    if not text:
        raise ConfigError(
            'no server is named: give url="redis://host:6379/0", or set the environment variable '
            f"{URL_VARIABLE}"
        )
    if not isinstance(text, str):
        raise ConfigError(f'url= takes a text such as "redis://host:6379/0", not {type(url)}')
    return text


def _from_query(query: str) -> dict[str, Any]:
    """The options in a URL's query, which core reads itself where the URL is a setting's."""
    pairs = parse_qsl(query, keep_blank_values=True)
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ConfigError("an option is given twice in the URL: leave one of them out")
    known = Options.__dataclass_fields__
    for name in found:
        if name not in known:
            names = ", ".join(sorted(known))
            raise ConfigError(f"a URL of Redis takes no option {name!r:.80}. There are: {names}")
    return {name: _typed(name, text) for name, text in found.items()}


def _typed(name: str, text: str) -> Any:
    readers: dict[str, tuple[Any, str]] = {
        "retries": (int, "a whole number"),
        "db": (int, "a whole number"),
        "ssl_check_hostname": ({"true": True, "false": False}.__getitem__, "true or false"),
    }
    read, what = readers.get(name, (str, "a text"))
    try:
        return read(text)
    except (ValueError, KeyError):
        raise ConfigError(f"{name}={text!r:.80} in the URL: write {what}") from None


class _Text:
    """A URL without its query, taken apart."""

    def __init__(self, base: str) -> None:
        scheme, sign, rest = base.partition("://")
        self.scheme = scheme.lower()
        if not sign or self.scheme not in SCHEMES:
            shown = ", ".join(f"{name}://" for name in SCHEMES)
            raise ConfigError(f"the URL has none of these schemes: {shown}: begin it with one")
        if "#" in rest:
            raise ConfigError('a URL of Redis has no "#": write one in a password as %23')
        authority, slash, path = rest.partition("/")
        if "@" in path and "@" not in authority and self.scheme != "unix":
            raise ConfigError('write "/" in a password as %2F, and ":" as %3A')
        userinfo, _, self.hosts = authority.rpartition("@")
        user, _, password = userinfo.partition(":")
        self.user, self.password = unquote(user) or None, unquote(password) or None
        self.path = slash + path

    def address(self, options: Options) -> Address:
        """What it says, together with the options."""
        mode, is_unix = _mode(self.scheme), self.scheme == "unix"
        service, db = self._service_and_db(mode)
        return Address(
            scheme=self.scheme,
            hosts=() if is_unix else tuple(self._hosts(mode)),
            path=self._socket() if is_unix else None,
            service=service,
            db=_one("db", db, options.db) or 0,
            username=_one("the user", self.user, options.username),
            password=_one("the password", self.password, options.password),
            options=options,
        )

    def _hosts(self, mode: str) -> list[tuple[str, int]]:
        found = []
        for text in self.hosts.split(",") if self.hosts else ["localhost"]:
            match = re.fullmatch(_HOST, text)
            if match is None or not 0 < int(match[3] or _PORTS[mode]) < 65536:
                raise ConfigError(
                    "a host of the URL is malformed: write host:port, with a port from 1 to 65535 "
                    "and an IPv6 address in brackets; in a user or a password write @ as %40"
                )
            found.append((unquote(match[1] or match[2]), int(match[3] or _PORTS[mode])))
        if mode == "server" and len(found) > 1:
            raise ConfigError(
                f"{self.scheme}:// takes one host: several nodes of a cluster are "
                "redis+cluster://host1:port,host2:port, and Sentinels are "
                "redis+sentinel://host1:26379,host2:26379/service"
            )
        return found

    def _socket(self) -> str:
        if self.hosts or len(self.path) < 2:
            raise ConfigError("write a socket with its absolute path: unix:///run/redis.sock?db=0")
        return unquote(self.path)

    def _service_and_db(self, mode: str) -> tuple[str | None, int | None]:
        if self.scheme == "unix":
            return None, None
        parts = [unquote(part) for part in self.path.strip("/").split("/") if part]
        service = parts.pop(0) if mode == "sentinel" and parts else None
        if mode == "sentinel" and service is None:
            raise ConfigError(
                "the URL names no service: write redis+sentinel://host1:26379,host2:26379/service, "
                "with the name that the Sentinels know the master by"
            )
        if parts and not (len(parts) == 1 and parts[0].isdecimal()):
            raise ConfigError("the URL ends in no number of a database: write it as in .../0")
        return service, int(parts[0]) if parts else None


def _mode(scheme: str) -> str:
    return scheme.partition("+")[2] or "server"


def _one(what: str, in_url: Any, option: Any) -> Any:
    if in_url is not None and option is not None and in_url != option:
        raise ConfigError(f"{what} is given twice, in the URL and as an option: leave one out")
    return option if in_url is None else in_url


def _timeout(value: object) -> float:
    seconds = checked.duration("timeout", value, least=SHORTEST)
    if seconds > LONGEST:
        raise ConfigError(f"timeout={value!r:.80} is too long: give an hour or less")
    return seconds


def _check_values(options: Options) -> None:
    for name in ("username", "password", *_OF_SENTINELS):
        if not isinstance(getattr(options, name), str | None):
            raise ConfigError(f"{name} is no text: write it in quotes")
    for name, value in (("retries", options.retries), ("db", options.db or 0)):
        if not isinstance(value, int) or value < 0:
            raise ConfigError(f"{name}={value!r:.80}: give a whole number, 0 or more")
    for name in _TLS:
        path = getattr(options, name)
        if path is not None and not os.path.isfile(path):  # noqa: PTH113 - a text or a Path
            raise ConfigError(f"{name}={str(path)!r:.300} is no file that can be seen: correct it")


def _check_together(address: Address) -> None:
    options = address.options
    if address.mode == "cluster" and address.db:
        raise ConfigError("a cluster has database 0 alone: leave db out")
    if not address.tls:
        encrypts = [name for name in _TLS if getattr(options, name) is not None]
        if encrypts or not options.ssl_check_hostname:
            name = encrypts[0] if encrypts else "ssl_check_hostname"
            raise ConfigError(f"{name} has no meaning with {address.scheme}://: {_tls(address)}")
    if options.ssl_keyfile is not None and options.ssl_certfile is None:
        raise ConfigError("ssl_keyfile has no meaning without ssl_certfile: give both")
    if address.mode != "sentinel":
        for name in _OF_SENTINELS:
            if getattr(options, name) is not None:
                raise ConfigError(f"{name} has no meaning with {address.scheme}://: leave it out")


def _tls(address: Address) -> str:
    if address.path is not None:
        return "a socket of this machine has no TLS: leave it out"
    name, plus, mode = address.scheme.partition("+")
    return f"write {name}s{plus}{mode}://, which encrypts, or leave it out"

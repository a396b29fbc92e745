"""Where a server is: what a URL says, with the options beside it.

Forms, where ``redis`` may be ``valkey``, and a scheme with one ``s`` more (``rediss``, ``valkeys``,
``rediss+cluster``) means TLS::

    redis://user:password@host:6379/0
    unix://user:password@/run/redis.sock
    redis+sentinel://user:password@host1:26379,host2:26379/service/0
    redis+cluster://user:password@host1:7000,host2:7001

They are those of redis-py (https://redis.readthedocs.io/en/stable/connections.html), and for the
other two modes those of Celery's and Lettuce's kind. No message here shows a part of a URL in which
a password may be.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from beautyspot.contracts import checked
from beautyspot.errors import ConfigError

_CREDENTIALS: Final = r"(?:(?P<username>[^:/?#@]*)(?::(?P<password>[^/?#@]*))?@)?"
_PORT: Final = r"[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]"
_HOST: Final = rf"(?:\[[\w:.%-]+\]|[^\[\]:/,?#@\s]+)(?::(?:{_PORT}))?"
_DB: Final = r"(?:/(?P<db>\d{1,9}))?/?"
_BEHIND: Final = {
    "": rf"(?P<hosts>{_HOST})?{_DB}",
    "+sentinel": rf"(?P<hosts>{_HOST}(?:,{_HOST})*)/(?P<service>[^/?#@]+){_DB}",
    "+cluster": rf"(?P<hosts>{_HOST}(?:,{_HOST})*)?{_DB}",
}
_URLS: Final = {
    **{
        f"{name}{kind}": rf"[\w+]+://{_CREDENTIALS}{rest}"
        for name in ("redis", "rediss", "valkey", "valkeys")
        for kind, rest in _BEHIND.items()
    },
    "unix": rf"unix://{_CREDENTIALS}(?P<path>/[^?#@]+)",
}
"""By its scheme, what a URL looks like."""

SCHEMES: Final = tuple(_URLS)
"""Of the URLs that are read here."""

_FORMS: Final = (
    "the URL of the server is missing or malformed: give url=, or set the environment variable "
    "REDIS_URL, as redis://user:password@host:6379/0, unix:///run/redis.sock, "
    "redis+sentinel://host1:26379,host2:26379/service/0 or redis+cluster://host1:7000,host2:7001 "
    "(rediss with TLS, and likewise valkey), with options beside it. In a user or a password write "
    "/ as %2F, @ as %40, : as %3A, # as %23, ? as %3F, % as %25; an IPv6 address is in brackets"
)


class Address(NamedTuple):
    """A server, a service behind Sentinels, or a cluster.

    Attributes:
        url: without credentials, for messages.
        kind: "sentinel", "cluster", or "" for a server.
        hosts: host and port of the server, of the Sentinels, or of some nodes of the cluster.
        path: of a unix socket, in the place of hosts.
        service: the name that Sentinels know it by.
        tls: whether connections are encrypted.
        options: all that were given, in the URL and by the environment too.
        holds_secret: whether a password was given, and not by the environment.
        password_variable: of the environment, where a password is read that was not given.
    """

    url: str
    kind: str
    hosts: tuple[tuple[str, int], ...]
    path: str
    service: str
    tls: bool
    options: dict[str, Any]
    holds_secret: bool
    password_variable: str = "REDIS_PASSWORD"  # noqa: S105 - the name of a variable

    @property
    def secrets(self) -> list[str]:
        """What no message may show."""
        return [str(value) for name, value in self.options.items() if "password" in name]


def parsed(url: str | None, options: dict[str, Any]) -> Address:
    """The address that a URL and the options beside it name.

    Args:
        url: None is the environment's `REDIS_URL`.
        options: see `RedisMetadataStore`; None stands for what was not given.

    Raises:
        ConfigError: an option is wrong, the URL is malformed, or they contradict each other; says
            what to write.
    """
    text = os.environ.get("REDIS_URL", "") if url is None else url
    scheme = text.partition("://")[0].lower() if isinstance(text, str) else ""
    found = re.fullmatch(_URLS[scheme], text) if scheme in _URLS else None
    if found is None:
        raise ConfigError(_FORMS)
    parts = {name: text for name, text in found.groupdict().items() if text}
    said = {name: unquote(text) for name, text in parts.items()}
    name, _, kind = scheme.partition("+")
    usual = 26379 if kind == "sentinel" else 6379
    ends = re.findall(r"(?:\[(.+?)\]|([^:,]+)):?(\d*)", parts.get("hosts", "localhost"))
    given = _options(scheme, said, options)
    holds_secret = "password" in given or "sentinel_password" in given
    password = os.environ.get("REDIS_PASSWORD") or os.environ.get("REDISCLI_AUTH")
    if password and "username" not in given and "password" not in given:
        user = os.environ.get("REDIS_USERNAME")  # alone it would be refused
        given.update({"password": password, **({"username": user} if user else {})})
    return Address(
        url=re.sub("//[^@]*@", "//", text),
        kind=kind,
        hosts=tuple((unquote(one or two), int(port or usual)) for one, two, port in ends),
        path=said.get("path", ""),
        service=said.get("service", ""),
        tls=name in ("rediss", "valkeys"),
        options=given,
        holds_secret=holds_secret,
    )


def _options(scheme: str, said: dict[str, str], options: dict[str, Any]) -> dict[str, Any]:
    """All options that were given, in the URL or beside it; checked."""
    given: dict[str, Any] = {"timeout": 5.0, "retries": 1, "connections": 10}
    given.update((name, value) for name, value in options.items() if value is not None)
    for name in ("username", "password", "db"):
        if name in said and str(given.setdefault(name, said[name])) != said[name]:
            raise ConfigError(f"{name} is given twice, in the URL and as an option: leave one out")
    given["timeout"] = checked.duration("timeout", given["timeout"], least=1e-3, most=3600)
    given["db"] = int(given.get("db", 0))
    for name, least in (("retries", 0), ("connections", 1), ("db", 0)):
        given[name] = checked.count(name, given[name], least=least)
    leave_out = f"with {scheme}://: leave it out"
    for name, is_meant, why in (
        ("ssl_", scheme.startswith(("rediss", "valkeys")), f"{leave_out}, or encrypt by rediss://"),
        ("ssl_keyfile", "ssl_certfile" in given, "without ssl_certfile: give both"),
        ("sentinel_", scheme.endswith("sentinel"), leave_out),
        ("db", not (scheme.endswith("cluster") and given["db"]), leave_out),
    ):
        stated = [option for option in given if option.startswith(name)]
        wrong = [option for option in stated if given[option] is not True]  # which is the default
        if wrong and not is_meant:
            raise ConfigError(f"{wrong[0]} has no meaning {why}")
    for name in {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}.intersection(given):
        if not Path(given[name]).is_file():
            raise ConfigError(f"{name}={str(given[name])!r:.300} is no file: correct it")
    return given

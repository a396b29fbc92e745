"""By which names a dashboard is asked, from which pages, and whether a cookie is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from beautyspot import ConfigError

from beautyspot_dashboard.access.door import Door

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_BASE: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Rules:
    """Who may ask.

    Attributes:
        hosts: the values of the header `Host` that are answered; without a port where `any_port`.
        any_port: whether the port of `Host` does not count.
        schemes: those of our own pages: "http", "https" or both.
        base: the path below which a proxy serves the dashboard, such as "/cache"; "" where none.
        door: lets in who has the link. None: who may ask is decided by others, before.
    """

    hosts: frozenset[str]
    any_port: bool = False
    schemes: tuple[str, ...] = ("http", "https")
    base: str = ""
    door: Door | None = None

    def token(self) -> str:
        """What the link brings that opens next; "" where none is needed."""
        return self.door.token if self.door else ""

    def answers(self, host: str) -> bool:
        """Whether a server of this name answers."""
        if not self.any_port:
            return host in self.hosts
        name, colon, port = host.rpartition(":")
        is_name = not colon or port.endswith("]")  # [::1]
        return host in self.hosts if is_name else name in self.hosts and bool(_PORT.fullmatch(port))

    def origins(self, host: str) -> frozenset[str]:
        """The origins of our own pages, where they are asked by this name."""
        return frozenset(f"{scheme}://{host}" for scheme in self.schemes)


def mounted_rules(hosts: str | Iterable[str]) -> Rules:
    """The rules within another application, which authenticates.

    Raises:
        ConfigError: one of the hosts is none.
    """
    names = [host.lower() for host in ([hosts] if isinstance(hosts, str) else hosts)]
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"hosts={name!r:.80} is no name of a host: write it as in a URL, without scheme, "
                "port and path, such as 'team.example.com'"
            )
    return Rules(frozenset(names or LOOPBACK), any_port=True)


def own_rules(port: int, announce: Callable[[str], object]) -> Rules:
    """The rules of a server of its own on this machine.

    Args:
        port: where it listens.
        announce: is told the next token when one was used.
    """
    hosts = frozenset(f"{name}:{port}" for name in LOOPBACK)
    return Rules(hosts, schemes=("http",), door=Door(f"beautyspot-{port}", announce))


def proxied_rules(url: str) -> Rules:
    """The rules behind a proxy, which authenticates, and at which the dashboard has this URL.

    Raises:
        ConfigError: that is no URL of a page.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _no_url(url, str(error)) from None
    base = parts.path.rstrip("/")
    name = f"[{host}]" if ":" in host else host
    problem = _problem(parts.scheme, name, base, rest=parts.query + parts.fragment)
    if problem or parts.username is not None:
        raise _no_url(url, problem or "a proxy asks for passwords, not this URL")
    if port not in (None, _DEFAULT_PORTS[parts.scheme]):
        name = f"{name}:{port}"
    return Rules(frozenset({name}), schemes=(parts.scheme,), base=base)


def _problem(scheme: str, host: str, base: str, *, rest: str) -> str:
    if scheme not in _DEFAULT_PORTS:
        return "it does not begin with http:// or https://"
    if not _NAME.fullmatch(host):
        return "its host is no name"
    if rest or not _BASE.fullmatch(base) or ".." in base:
        return "it has more than a scheme, a host and a plain path"
    return ""


def _no_url(url: str, problem: str) -> ConfigError:
    shown = "what is given" if "@" in url else f"{url!r:.120}"  # it may hold a password
    return ConfigError(
        f"{shown} can't be the URL at the proxy: {problem}. Write the one that people open, "
        "such as https://team.example.com/cache"
    )

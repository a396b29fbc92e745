"""Who may ask a dashboard, and by which name."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


@dataclass
class Rules:
    """Who may ask.

    Attributes:
        hosts: the values of the header `Host` that are answered; without a port where `any_port`.
        any_port: whether the port of `Host` does not count.
        token: what the first URL has to bring; None asks for none, and is taken away by its use.
        session: what the cookie has to bring; None asks for none.
    """

    hosts: frozenset[str]
    any_port: bool = False
    token: str | None = None
    session: str | None = None


def mounted_rules(hosts: Sequence[str]) -> Rules:
    """The rules within another application, which authenticates."""
    return Rules(frozenset(host.lower() for host in hosts) or LOOPBACK, any_port=True)


def own_rules(port: int) -> Rules:
    """The rules of a server of its own on this machine."""
    hosts = frozenset(f"{name}:{port}" for name in LOOPBACK)
    return Rules(hosts, token=token_urlsafe(24), session=token_urlsafe(24))

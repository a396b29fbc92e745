"""Sessions of requests, as arguments: they count by what they add to a request.

One with credentials or cookies is refused, since another user's answers may differ.
"""

from __future__ import annotations

from typing import Any, Final

from beautyspot.contracts import TypeSupport

from beautyspot_http.checks import SAY, check_known, cookies, refuse, unknown
from beautyspot_http.counting import (
    counted_headers,
    counted_parameters,
    counted_url,
    without_defaults,
)

_SESSION: Final = frozenset(
    {
        *("headers", "auth", "proxies", "hooks", "params", "stream", "verify", "cert"),
        *("max_redirects", "trust_env", "cookies", "adapters"),
    }
)
_ADAPTER: Final = frozenset(
    {
        *("max_retries", "config", "proxy_manager", "_pool_connections", "_pool_maxsize"),
        *("_pool_block", "poolmanager"),
    }
)
_REDIRECTS: Final = 30
_POOL: Final = frozenset({"maxsize", "block", "strict"})


class SessionTypes(TypeSupport):
    """`requests.Session`; none of its subclasses."""

    name = "requests-session"
    classes = ("requests.sessions:Session",)

    def key(self, value: Any) -> object:
        """See the base class."""
        check_known(value, _SESSION, "requests")
        if value.auth is not None or value.cert is not None:
            refuse(f"signs in by its auth or its cert, so another user's answers may differ: {SAY}")
        if cookies(value.cookies):
            refuse(f"has cookies of its own, so another user's answers may differ: {SAY}")
        if any(value.hooks.values()):
            refuse(f"has hooks, which may change what it gets: {SAY}")
        for adapter in value.adapters.values():
            _check_adapter(adapter)
        return without_defaults(
            headers=counted_headers(
                (name, each if each is None else _text(each))
                for name, each in value.headers.items()
            ),
            params=counted_parameters(_items(value.params)),
            proxies={scheme: counted_url(url) for scheme, url in value.proxies.items() if url},
            unverified=not value.verify,
            untrusted=not value.trust_env,
            redirects=_redirects(value.max_redirects),
        )


def _redirects(most: int) -> object:
    """How many it follows, where that is not what it is by default; 0 would count as that."""
    return None if most == _REDIRECTS else most or "none"


def _check_adapter(adapter: Any) -> None:
    kind = type(adapter)
    if (kind.__module__, kind.__qualname__) != ("requests.adapters", "HTTPAdapter"):
        refuse(f"has an adapter of its own, a {kind.__qualname__}: {SAY}")
    check_known(adapter, _ADAPTER, "requests")
    pool = adapter.poolmanager
    if type(pool).__module__ != "urllib3.poolmanager" or set(pool.connection_pool_kw) - _POOL:
        unknown("the pool of an adapter", "requests")


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _items(params: Any) -> list[tuple[str, object]]:
    return list(params.items() if hasattr(params, "items") else params or ())

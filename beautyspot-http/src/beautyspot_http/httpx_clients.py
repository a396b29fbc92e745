"""Clients of httpx and httpx2, as arguments: they count by where they lead.

A client that may get another user's answers is refused: one with cookies, credentials, or hooks.
Only what differs from a new client counts, so a release that changes a default is no miss. A
certificate that a client shows can't be seen: the `SSLContext` that has it does not tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import TypeSupport

from beautyspot_http.checks import SAY, check_known, cookies, refuse, unknown
from beautyspot_http.counting import (
    counted_headers,
    counted_parameters,
    counted_url,
    without_defaults,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARIES: Final = ("httpx", "httpx2")

_CLIENT: Final = frozenset(
    {
        *("_auth", "_base_url", "_cookies", "_default_encoding", "_event_hooks", "_headers"),
        *("_mounts", "_params", "_state", "_timeout", "_transport", "_trust_env"),
        *("follow_redirects", "max_redirects"),
    }
)

_POOL: Final = frozenset(
    {
        *("_connections", "_http1", "_http2", "_keepalive_expiry", "_local_address"),
        *("_max_connections", "_max_keepalive_connections", "_network_backend"),
        *("_optional_thread_lock", "_proxy", "_proxy_auth", "_proxy_headers", "_proxy_ssl_context"),
        *("_proxy_url", "_requests", "_retries", "_socket_options", "_ssl_context", "_uds"),
    }
)

_TRANSPORTS: Final = frozenset({"HTTPTransport", "AsyncHTTPTransport"})
_POOLS: Final = frozenset({"ConnectionPool", "AsyncConnectionPool"})
_PROXIES: Final = frozenset(
    f"{kind}{scheme}Proxy" for kind in ("", "Async") for scheme in ("HTTP", "SOCKS")
)
_BACKENDS: Final = frozenset({"AnyIOBackend", "AutoBackend", "SyncBackend", "TrioBackend"})


class HttpxClientTypes(TypeSupport):
    """`httpx.Client`, `httpx.AsyncClient`, and the same of httpx2; none of their subclasses."""

    name = "httpx-client"
    classes = tuple(f"{each}:{kind}" for each in _LIBRARIES for kind in ("Client", "AsyncClient"))

    def key(self, value: Any) -> object:
        """See the base class."""
        if cookies(value.cookies.jar):
            refuse(f"has cookies of its own, so another user's answers may differ: {SAY}")
        return {
            "base_url": counted_url(value.base_url),
            **without_defaults(
                redirects=value.follow_redirects and (value.max_redirects or "none"),
                default_encoding=_unusual(value._default_encoding),
            ),
            **counted_connection(value),
        }


def _unusual(encoding: object) -> object:
    return None if encoding == "utf-8" else encoding


def counted_connection(
    client: Any,
    own: frozenset[str] = frozenset(),
    library: str = "",
    *,
    with_proxies: bool = True,
) -> dict[str, object]:
    """What a client adds to each request, and what stands between it and a server.

    Args:
        client: of httpx or httpx2.
        own: the headers that do not count, in lower case.
        library: whose hooks do not count, since that is whose client it is.
        with_proxies: whether proxies count. Those of the environment are among them.

    Raises:
        UnstableKeyError: it has credentials, hooks, or something that is not known.
    """
    check_known(client, _CLIENT, "httpx")
    if client.auth is not None:
        refuse(f"signs in by its auth, so another user's answers may differ: {SAY}")
    hooks = [hook for several in client.event_hooks.values() for hook in several]
    if any(str(getattr(hook, "__module__", "")).partition(".")[0] != library for hook in hooks):
        refuse(f"has event hooks, which may change what it sends and gets: {SAY}")
    raw = client.headers.raw
    texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
    return without_defaults(
        headers=counted_headers(texts, own),
        params=counted_parameters(client.params.multi_items()),
        transport=_transport(client._transport, with_proxies=with_proxies),
        mounts=dict(_mounts(client._mounts, with_proxies=with_proxies)),
    )


def _mounts(mounts: Any, *, with_proxies: bool) -> Iterator[tuple[str, object]]:
    """What differs from an ordinary connection, by the patterns of the URLs that it is for."""
    found = [
        (pattern.pattern, None if each is None else _transport(each, with_proxies=with_proxies))
        for pattern, each in mounts.items()
    ]
    return iter(found if any(each for _, each in found) else [])


def _transport(transport: Any, *, with_proxies: bool) -> dict[str, object]:
    kind = type(transport)
    if kind.__module__ not in _LIBRARIES or kind.__qualname__ not in _TRANSPORTS:
        refuse(f"has a transport of its own, a {kind.__qualname__}: {SAY}")
    check_known(transport, {"_pool"}, "httpx")
    pool = transport._pool
    name = type(pool).__qualname__
    if not _is_of_httpcore(pool) or name not in _POOLS | _PROXIES:
        unknown("its transport", "httpx")
    check_known(pool, _POOL, "httpcore")
    if getattr(pool, "_proxy", None) is not None:
        unknown("its pool of connections", "httpx")
    if not _is_of_httpcore(pool._network_backend, _BACKENDS):
        unknown("its network backend", "httpx")
    return without_defaults(
        uds=pool._uds,
        local_address=pool._local_address,
        unverified=_is_unverified(pool._ssl_context),
        proxy=with_proxies and name in _PROXIES and _proxy(pool),
    )


def _is_of_httpcore(value: object, names: frozenset[str] = _POOLS | _PROXIES) -> bool:
    kind = type(value)
    root = kind.__module__.partition(".")[0]
    return root in ("httpcore", "httpcore2") and kind.__qualname__ in names


def _is_unverified(context: Any) -> bool:
    return context is not None and not (context.verify_mode and context.check_hostname)


def _proxy(pool: Any) -> str:
    if getattr(pool, "_proxy_headers", ()) or getattr(pool, "_proxy_auth", None):
        refuse(f"signs in at a proxy, which may choose the answers by that: {SAY}")
    url = pool._proxy_url
    return f"{url.scheme.decode('latin-1')}://{url.host.decode('latin-1')}:{url.port}"

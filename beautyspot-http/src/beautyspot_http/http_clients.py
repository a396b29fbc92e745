"""Clients of httpx, and sessions of requests, as arguments: they count by where they lead.

What counts is public: the base URL, headers, parameters, how redirects are followed. A client that
may get another user's answers is refused: one with cookies, credentials, or hooks. Only what
differs from a new client counts, so a release that changes a default is no miss. What is not public
can't be seen: proxies of httpx, a certificate that its client shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import TypeSupport

from beautyspot_http.counting import (
    SAY,
    check_methods,
    cookies,
    counted_headers,
    counted_parameters,
    counted_url,
    refuse,
    without_defaults,
)
from beautyspot_http.secrecy import text_of

if TYPE_CHECKING:
    from collections.abc import Callable

_LIBRARIES: Final = ("httpx", "httpx2")
_TRANSPORTS: Final = ("HTTPTransport", "AsyncHTTPTransport")
_REDIRECTS: Final = 30
_COOKIES: Final = "cookies of its own, so another user's answers may differ"


class HttpxClientTypes(TypeSupport):
    """`httpx.Client`, `httpx.AsyncClient`, and the same of httpx2; none of their subclasses."""

    name = "httpx-client"
    classes = tuple(f"{each}:{kind}" for each in _LIBRARIES for kind in ("Client", "AsyncClient"))

    def key(self, value: Any) -> object:
        """See the base class."""
        if cookies(value.cookies.jar):
            refuse(f"has {_COOKIES}: {SAY}")
        return {
            "base_url": counted_url(value.base_url),
            **without_defaults(
                redirects=value.follow_redirects and (value.max_redirects or "none"),
                encoding=value._default_encoding != "utf-8" and value._default_encoding,
            ),
            **counted_connection(value),
        }

    def own_names(self, cls: type) -> Callable[[str], object]:
        """See the base class."""
        del cls
        return lambda name: name[:1] == "_" or name in ("follow_redirects", "max_redirects")


def counted_connection(
    client: Any, own: frozenset[str] = frozenset(), libraries: tuple[str, ...] = ()
) -> dict[str, object]:
    """What a client adds to each request.

    Args:
        client: of httpx or httpx2.
        own: the headers that do not count, in lower case.
        libraries: whose hooks do not count, since they are whose client it is.

    Raises:
        UnstableKeyError: it has credentials or hooks, or something in it was replaced.
    """
    check_methods(client)
    if client.auth is not None:
        refuse(f"signs in by its auth, so another user's answers may differ: {SAY}")
    hooks = [hook for several in client.event_hooks.values() for hook in several]
    if any(str(getattr(each, "__module__", "")).split(".")[0] not in libraries for each in hooks):
        refuse(f"has event hooks, which may change what it sends and gets: {SAY}")
    # These are not public. One of the program's may lead anywhere, and one of the library's to a
    # socket of this machine.
    transports = [each for each in (client._transport, *client._mounts.values()) if each]
    for each in transports:
        kind = type(each)
        if kind.__module__ not in _LIBRARIES or kind.__qualname__ not in _TRANSPORTS:
            refuse(f"has a transport of its own, a {kind.__qualname__}: {SAY}")
        check_methods(each)
    raw = client.headers.raw
    texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]
    return without_defaults(
        headers=counted_headers(texts, own),
        params=counted_parameters(client.params.multi_items()),
        sockets=[uds for each in transports if (uds := getattr(each._pool, "_uds", None))],
    )


class SessionTypes(TypeSupport):
    """`requests.Session`; none of its subclasses."""

    name = "requests-session"
    classes = ("requests.sessions:Session",)

    def own_names(self, cls: Any) -> Callable[[str], object]:
        """See the base class."""
        return frozenset(cls.__attrs__).__contains__

    def key(self, value: Any) -> object:
        """See the base class."""
        check_methods(value)
        if value.auth is not None or value.cert is not None:
            refuse(f"signs in by its auth or its cert, so another user's answers may differ: {SAY}")
        if cookies(value.cookies):
            refuse(f"has {_COOKIES}: {SAY}")
        if any(value.hooks.values()):
            refuse(f"has hooks, which may change what it gets: {SAY}")
        for adapter in value.adapters.values():
            kind = type(adapter)
            if (kind.__module__, kind.__qualname__) != ("requests.adapters", "HTTPAdapter"):
                refuse(f"has an adapter of its own, a {kind.__qualname__}: {SAY}")
            check_methods(adapter)
        headers, params, most = value.headers.items(), value.params, value.max_redirects
        return without_defaults(
            headers=counted_headers(
                (name, None if each is None else text_of(each)) for name, each in headers
            ),
            params=counted_parameters(params.items() if hasattr(params, "items") else params or ()),
            proxies={scheme: counted_url(url) for scheme, url in value.proxies.items() if url},
            unverified=not value.verify,
            untrusted=not value.trust_env,
            redirects=None if most == _REDIRECTS else most or "none",
        )


class AiohttpSessionTypes(TypeSupport):
    """`aiohttp.ClientSession`; none of its subclasses."""

    name = "aiohttp-session"
    classes = ("aiohttp.client:ClientSession",)

    def key(self, value: Any) -> object:
        """See the base class."""
        check_methods(value)
        if value.auth is not None or value._default_proxy_auth is not None:
            refuse(f"signs in by its auth, so another user's answers may differ: {SAY}")
        if len(value.cookie_jar):
            refuse(f"has {_COOKIES}: {SAY}")
        if value._middlewares:
            refuse(f"has middlewares, which may change what it sends and gets: {SAY}")
        connector = value.connector  # None once it is closed
        if connector is not None and not type(connector).__module__.startswith("aiohttp."):
            refuse(f"has a connector of its own, a {type(connector).__qualname__}: {SAY}")
        return without_defaults(
            base_url=value._base_url and counted_url(value._base_url),
            headers=counted_headers(value.headers.items()),
            socket=getattr(connector, "path", None),
            proxy=value._default_proxy and counted_url(value._default_proxy),
            raising=value.raise_for_status,
            raw=not value.auto_decompress,
        )

"""Who may ask: what every request has to pass, and the headers of every answer.

None but our own pages may change anything, or load parts of us. Browsers tell by `Sec-Fetch-Site`
and `Origin` which page asks, and no page can set these. A page at another port of this machine is
the same *site* and another *origin*, so that its requests bring our cookie.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from secrets import compare_digest, token_urlsafe
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from beautyspot import ConfigError
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse

from beautyspot_dashboard.rendering.templates import notice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""What a page of ours may load: nothing inline, nothing from elsewhere."""

HEADERS: Final = {
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",  # of values; pages are in no frame, by their policy
    "referrer-policy": "same-origin",  # with "no-referrer", forms of our own have no origin
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-store",
}
"""Headers of every answer that does not set them itself."""

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_TOKEN: Final = "token"  # noqa: S105 - the name of a part of the query
_TOLD_ONCE: Final = ("host", "origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest")
"""Headers of which two readers might take another each, if there were several."""


def host_names(hosts: str | Iterable[str]) -> frozenset[str]:
    """The names by which a dashboard within another application is asked.

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
    return frozenset(names or LOOPBACK)


@dataclass(frozen=True)
class Door:
    """Lets in who brings the token of this process, and then who shows the cookie.

    Attributes:
        port: where the server listens, which `Host` has to name. Cookies know no ports, so that the
            name of the cookie has it.
        token: what the link has that opens the dashboard.
        session: the value of the cookie. It ends with the browser, or with this process.
    """

    port: int
    token: str = field(default_factory=lambda: token_urlsafe(32), repr=False)
    session: str = field(default_factory=lambda: token_urlsafe(32), repr=False)

    @property
    def cookie(self) -> str:
        """The name of the cookie."""
        return f"beautyspot-{self.port}"


class Gate:
    """Stands in front of a dashboard, also of what it answers when it fails.

    Args:
        app: the dashboard.
        hosts: the names by which it is asked, at any port, where others decide before who may ask.
        door: of a server of its own, which is asked as this machine, at its port.
    """

    def __init__(
        self, app: ASGIApp, hosts: frozenset[str] = frozenset(), door: Door | None = None
    ) -> None:
        self._app = app
        self._door = door
        self._hosts = frozenset(f"{name}:{door.port}" for name in LOOPBACK) if door else hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            answer = self._instead(Request(scope)) or self._app
            await answer(scope, receive, _with_headers(send))

    def _instead(self, request: Request) -> Response | None:
        """What is answered in the place of the page; None where that may be seen."""
        host = request.headers.get("host", "")
        if (host if self._door else re.sub(r":[0-9]{1,5}\Z", "", host)) not in self._hosts:
            return notice(
                request.scope,
                "Not answered",
                f"This dashboard answers by the name {' or '.join(sorted(self._hosts))}: open it "
                "by that. Where it is mounted and meant to have another one, say so by hosts= of "
                "dashboard(). A port that is forwarded has to have the same number at both ends.",
            )
        if any(len(request.headers.getlist(header)) > 1 for header in _TOLD_ONCE):
            text = "The request says more than once which page it comes from."
            return notice(request.scope, "Not answered", text)
        if not _is_ours(request, (f"http://{host}", f"https://{host}")):
            return notice(
                request.scope,
                "Not answered",
                "The request comes from a page of another site, or does not say where from. Open "
                "the page here, by itself, in a current browser. If a proxy is in front of the "
                "dashboard, it has to pass the header Host on as it came.",
            )
        return None if self._door is None else _entered(request, self._door)


def _is_ours(request: Request, origins: tuple[str, str]) -> bool:
    """Whether one of our pages asks, or, for what changes nothing, a person has opened the page."""
    told = request.headers
    site, origin = told.get("sec-fetch-site"), told.get("origin")
    if request.method not in ("GET", "HEAD"):
        return origin in origins and site in (None, "same-origin")
    is_page = told.get("sec-fetch-mode") == "navigate" and told.get("sec-fetch-dest") == "document"
    return origin in (None, *origins) and (site in (None, "none", "same-origin") or is_page)


def _entered(request: Request, door: Door) -> Response | None:
    """What is answered where the cookie is not there yet."""
    path, given = request.scope["path"], request.query_params.multi_items()
    query = urlencode([(name, value) for name, value in given if name != _TOKEN])
    link = "/" + quote(path.lstrip("/")) + (f"?{query}" if query else "")  # "//" is a server
    if _same(request.query_params.get(_TOKEN), door.token):
        answer = RedirectResponse(link, 303, {"referrer-policy": "no-referrer"})
        answer.set_cookie(door.cookie, door.session, httponly=True, samesite="strict")
        return answer
    if path.startswith("/static/") or _same(request.cookies.get(door.cookie), door.session):
        return None
    if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        # Behind a link or a redirect of others, the browser does not show a strict cookie: so our
        # page asks again, once.
        text = "It opens in a moment, if it was opened in this browser before."
        return notice(request.scope, "Welcome", text, link=link, goes_on=True)
    text = "It opens by the link that stands in the terminal where it runs."
    return notice(request.scope, "This dashboard is closed", text, link=link)


def _same(given: str | None, wanted: str) -> bool:
    return compare_digest((given or "").encode("utf-8", "replace"), wanted.encode())


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers

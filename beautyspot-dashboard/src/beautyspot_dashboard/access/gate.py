"""`Gate`: what every request has to pass, and the headers of every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response

from beautyspot_dashboard.access.asked import Asked
from beautyspot_dashboard.access.origins import check_origin
from beautyspot_dashboard.access.refusals import RefusalError
from beautyspot_dashboard.rendering.notices import notice

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from beautyspot_dashboard.access.door import Door
    from beautyspot_dashboard.access.rules import Rules

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

_STATIC: Final = "/static/"
"""Below it are files of ours, which tell nothing of any store."""


class Gate:
    """Stands in front of a dashboard, also of what it answers when it fails."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            scope = self._placed(scope)
            answer = self._instead(Asked(scope)) or self._app
            await answer(scope, receive, _with_headers(send))

    def _placed(self, scope: Scope) -> Scope:
        """The request, with the path below which a proxy serves."""
        base = self._rules.base
        return {**scope, "root_path": base} if base else scope

    def _instead(self, asked: Asked) -> Response | None:
        """What is answered in the place of the page; None where that may be seen."""
        try:
            self._check_name(asked)
            return self._beside(asked) or self._entered(asked)
        except RefusalError as refused:
            return notice(
                asked.scope,
                refused.heading,
                refused.text,
                link=refused.link,
                status=refused.status,
            )

    def _check_name(self, asked: Asked) -> None:
        host = asked.only("host")
        if host is None or not self._rules.answers(host):
            names = " or ".join(sorted(self._rules.hosts))
            raise RefusalError(
                "Not answered",
                f"This dashboard answers by the name {names}: open it by that. Where it is meant "
                "to have another one, say so: hosts= of dashboard(), --behind-proxy of beautyspot "
                "ui. A port that is forwarded has to have the same number at both ends.",
            )
        check_origin(asked, self._rules.origins(host))

    def _beside(self, asked: Asked) -> Response | None:
        """What is answered where the path is none of ours."""
        path, base = asked.scope["path"], self._rules.base
        if base and path == base:
            return RedirectResponse(f"{base}/", 307)
        if not path.startswith(f"{base}/"):
            raise RefusalError("Nothing here", f"The dashboard is at {base}/.", status=404)
        return None

    def _entered(self, asked: Asked) -> Response | None:
        """What is answered where the cookie is not there yet."""
        door = self._rules.door
        if door is None or asked.own_path.startswith(_STATIC):
            return None
        token = asked.token()
        if door.knows(asked.every("cookie")):
            return None if token is None else RedirectResponse(asked.link(), 303)
        if token is not None and _may_spend(asked) and door.spend(token):
            return _welcome(asked, door)
        raise _closed(asked)


def _may_spend(asked: Asked) -> bool:
    """Not where a browser looks ahead, or a program whether the link is alive."""
    return asked.scope["method"] == "GET" and asked.only("sec-purpose") is None


def _welcome(asked: Asked, door: Door) -> Response:
    """Give the cookie, and the page.

    Where the link was followed from another site, the browser would not show the cookie behind a
    redirect, since that site asks. So a page of ours asks again.
    """
    answer: Response
    if asked.only("sec-fetch-site") in ("cross-site", "same-site"):
        text = "The dashboard opens in a moment."
        answer = notice(asked.scope, "Welcome", text, link=asked.link(), goes_on=True, status=200)
    else:
        answer = RedirectResponse(asked.link(), 303)
    answer.headers["set-cookie"] = door.cookie()
    return answer


def _closed(asked: Asked) -> RefusalError:
    if asked.only("sec-fetch-site") in ("cross-site", "same-site"):
        text = (
            "A link on another site led here, and your browser then does not show that it may see "
            "this dashboard. If you have opened it in this browser before, go on here."
        )
    else:
        text = (
            "This dashboard opens by a link, which works once: take the newest one that stands in "
            "the terminal where it runs. If you have just opened it in this browser, go on here."
        )
    return RefusalError("This dashboard is closed", text, link=asked.link())


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers

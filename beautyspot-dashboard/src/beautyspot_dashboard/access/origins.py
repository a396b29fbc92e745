"""Which page a request comes from: none but our own may change anything, or load parts of us.

Browsers tell it by `Sec-Fetch-Site`, or else by `Origin`. Neither can be set by a page. A page at
another port of this machine is the same *site* and another *origin*, so its requests bring our
cookie: only "same-origin" is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot_dashboard.access.refusals import RefusalError

if TYPE_CHECKING:
    from beautyspot_dashboard.access.asked import Asked


def check_origin(asked: Asked, own: frozenset[str]) -> None:
    """Let through what comes from our own pages, or what a person opened.

    Args:
        asked: the request.
        own: the origins of our pages.

    Raises:
        RefusalError: it comes from elsewhere, or may change something and does not say where from.
    """
    site, origin = asked.only("sec-fetch-site"), asked.only("origin")
    if origin not in (None, "null", *own):
        raise RefusalError(
            "Not answered",
            "The request comes from a page of another site. If a proxy is in front of the "
            "dashboard, it has to pass the header Host on as it came.",
        )
    if not (_may_change(site, origin) if asked.changes else _may_look(asked, site, origin)):
        raise RefusalError("Not answered", _why(asked))


def _may_change(site: str | None, origin: str | None) -> bool:
    return origin not in (None, "null") if site is None else site == "same-origin"


def _may_look(asked: Asked, site: str | None, origin: str | None) -> bool:
    """A browser that does not say where from says nothing; or, in an address bar, "none"."""
    if site is None:
        return origin != "null"
    return site in ("same-origin", "none") or _is_opened(asked)


def _is_opened(asked: Asked) -> bool:
    """Whether a link elsewhere was followed, and the page is seen as one: in no frame."""
    mode, shown_as = asked.only("sec-fetch-mode"), asked.only("sec-fetch-dest")
    return mode == "navigate" and shown_as == "document"


def _why(asked: Asked) -> str:
    if asked.changes:
        return (
            "Only pages of this dashboard may change something, and the request does not say that "
            "it comes from one. Open the page here, in a current browser, and do it again."
        )
    return "Another site wants to show a part of this dashboard in its page. Open it by itself."

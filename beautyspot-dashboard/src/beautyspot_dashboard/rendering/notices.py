"""Pages with nothing of a store in them: what is refused, and what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse

from beautyspot_dashboard.rendering.templates import environment

if TYPE_CHECKING:
    from starlette.types import Scope


def notice(
    scope: Scope, heading: str, text: str, *, link: str = "", goes_on: bool = False, status: int
) -> HTMLResponse:
    """A page that says one thing.

    Args:
        scope: the request that is answered, as ASGI has it.
        heading: what is the matter.
        text: why, and what to do.
        link: where to go on.
        goes_on: whether the browser follows the link by itself.
        status: of the answer.
    """
    page = environment().get_template("notice.html")
    root = scope.get("root_path", "")
    shown = page.render(root=root, heading=heading, text=text, link=link, goes_on=goes_on)
    return HTMLResponse(shown, status)

"""The functions of a store: what fills it, and what it saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.rendering.command_lines import command_line
from beautyspot_dashboard.rendering.templates import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


def functions(request: Request) -> Response:
    """A line for each function."""
    shelved = shelved_of(request)
    found = shelved.store().functions()
    return render(
        request,
        "functions.html",
        store=shelved,
        section="functions",
        functions=found,
        command=command_line(shelved, "ls"),
    )


routes = [Route("/store/{store}", functions, name="functions")]

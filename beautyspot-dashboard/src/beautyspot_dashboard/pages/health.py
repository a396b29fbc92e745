"""What is wrong with a store, or soon will be: as `beautyspot doctor` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from beautyspot_dashboard import kept
from beautyspot_dashboard.board import shelved_of
from beautyspot_dashboard.rendering.command_lines import command_line
from beautyspot_dashboard.rendering.templates import render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


def health(request: Request) -> Response:
    """All findings. It reads the whole store, so it is a page of its own, and goes on behind."""
    shelved = shelved_of(request)
    examine = shelved.found.examine
    found = None
    if examine is not None:
        found = shelved.kept.get("health", lambda: list(examine()), kept.LONG, kept.ALWAYS)
    return render(
        request,
        "health.html",
        store=shelved,
        section="health",
        findings=None if found is None else found.value,
        age=None if found is None else found.age,
        possible=examine is not None,
        command=command_line(shelved, "doctor"),
    )


routes = [Route("/store/{store}/health", health, name="health")]

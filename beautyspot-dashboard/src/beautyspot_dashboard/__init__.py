"""The dashboard of beautyspot: `dashboard` makes an ASGI application, `main` is `beautyspot ui`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.hookspecs import later

if TYPE_CHECKING:
    from beautyspot_dashboard.app import dashboard
    from beautyspot_dashboard.program import main

__all__ = ["dashboard", "main"]

__getattr__, __dir__ = later(__name__, {"dashboard": "app", "main": "program"})

"""The dashboard of beautyspot: `dashboard` makes an ASGI application, `main` is `beautyspot ui`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beautyspot_dashboard.app import dashboard
    from beautyspot_dashboard.program import main

_LATER = {"dashboard": "app", "main": "program"}
"""What is loaded when it is first named."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = ["dashboard", "main"]

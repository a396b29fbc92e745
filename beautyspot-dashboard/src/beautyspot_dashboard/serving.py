"""A server of one's own for the dashboard, on this machine alone, until Ctrl-C."""

from __future__ import annotations

import webbrowser
from typing import TYPE_CHECKING

import click
import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from beautyspot_dashboard.access.rules import Rules


def serve(app: ASGIApp, port: int, rules: Rules, *, opens: bool) -> None:
    """Serve until the process is interrupted."""
    url = f"http://127.0.0.1:{port}/?token={rules.token}"
    click.echo(f"the dashboard is at {url}\nCtrl-C ends it")
    if opens:
        webbrowser.open(url)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1)

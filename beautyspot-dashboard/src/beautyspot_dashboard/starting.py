"""What `beautyspot ui` does: find the stores, listen, say where, and serve."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

import click
from beautyspot_cli.formats import safe, safe_lines

from beautyspot_dashboard.access.rules import own_rules, proxied_rules
from beautyspot_dashboard.app import make_app
from beautyspot_dashboard.places import board_of
from beautyspot_dashboard.serving import ADDRESS, listening, open_browser, serve
from beautyspot_dashboard.summaries import begin_summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot_cli.options import Place

    from beautyspot_dashboard.access.rules import Rules
    from beautyspot_dashboard.board import Board


def start(
    places: Sequence[Place],
    *,
    port: int | None,
    opens: bool,
    read_only: bool | None,
    proxy: str | None,
) -> None:
    """Serve a dashboard until it is interrupted.

    Args:
        places: its stores.
        port: where it listens; 0: anywhere; None: at the usual port or the next.
        opens: whether a browser is opened.
        read_only: whether nothing can be removed; None: where a store is not on this machine.
        proxy: the URL at a proxy in front of it; no browser is opened then.

    Raises:
        ConfigError: a path does not exist, the port is taken, the URL is wrong.
    """
    board = board_of(places, read_only=read_only)
    for each in board.shelf:
        begin_summary(each)
    Thread(target=_tell_what_fails, args=(board,), daemon=True).start()  # a server may be slow
    behind = None if proxy is None else proxied_rules(proxy)
    with listening(port) as listener:
        found: int = listener.getsockname()[1]
        rules = behind or _own_rules(found, opens=opens)
        if proxy is not None:
            _tell_of_proxy(found, proxy)
        serve(make_app(board, rules), listener)


def _tell_what_fails(board: Board) -> None:
    for each in board.shelf:
        try:
            each.store().page("newest", limit=1)
        except Exception as error:  # it is tried again at each look, and its page says so
            with suppress(OSError, ValueError):
                click.echo(f"{safe(each.slug)} does not open: {safe_lines(str(error))}", err=True)


def _own_rules(port: int, *, opens: bool) -> Rules:
    at = f"http://{ADDRESS}:{port}/?token="

    def announce(token: str) -> None:
        with suppress(OSError, ValueError):  # nobody reads it any more
            click.echo(f"It was opened. To open it in another browser: {at}{token}")

    rules = own_rules(port, announce)
    url = f"{at}{rules.token()}"
    click.echo(f"The dashboard is at {url}\nThis link works once, on this machine. Ctrl-C ends it.")
    if opens:
        open_browser(url)
    return rules


def _tell_of_proxy(port: int, proxy: str) -> None:
    """Behind a proxy no browser is opened: the link is for others."""
    click.echo(
        f"The dashboard is at {proxy}, for a proxy that passes requests on to {ADDRESS}:{port}.\n"
        "It asks nobody who they are: the proxy has to. Who works on this machine can pass it by.\n"
        "Ctrl-C ends it."
    )

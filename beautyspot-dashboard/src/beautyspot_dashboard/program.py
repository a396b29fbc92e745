"""`beautyspot ui`: its command line, and a server of its own, on this machine alone."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import webbrowser
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final

import click
from beautyspot import ConfigError
from beautyspot_cli.formats import safe, safe_lines
from beautyspot_cli.options import Place, store_options
from beautyspot_cli.output import plain_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import FrameType

    from beautyspot_dashboard.board import Board

ADDRESS: Final = "127.0.0.1"
USUAL_PORT: Final = 8765
_NEXT_PORTS: Final = 20
_NAME: Final = "beautyspot ui"


@click.command(_NAME, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("stores", metavar="[STORE]...", nargs=-1)
@store_options
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Where it listens; 0: at any free port.  [default: 8765, or the next that is free]",
)
@click.option("--no-browser", is_flag=True, help="Open no browser, only print the URL.")
@click.option(
    "--read-only/--no-read-only",
    default=None,
    help="Remove nothing.  [default: only where the store is not on this machine]",
)
@click.version_option(package_name="beautyspot-dashboard", message=f"{_NAME} %(version)s")
def command(
    stores: tuple[str, ...],
    place: Place,
    port: int | None,
    no_browser: bool,
    read_only: bool | None,
) -> None:
    """Show in a browser what stores hold and what they saved, until Ctrl-C.

    A STORE, in place of --store, is a folder .beautyspot, a folder that holds one, a database, or a
    URL. Without one it is the .beautyspot of the working directory, or what a configuration file
    says.

    Only programs on this machine can reach it, and the link that it prints opens it as long as it
    runs. For others to see it, mount it in an application that asks them who they are.

    Exit status: 0 when Ctrl-C or SIGTERM ended it, 2 for bad input or a taken port.
    """
    places = [place._replace(store=store) for store in stores] or [place]
    with plain_errors():
        board = board_at(places, read_only)
        Thread(target=_tell_what_fails, args=(board,), daemon=True).start()  # a server may be slow
        with listening(port) as listener:
            serve(board, listener, opens=not no_browser)


def board_at(places: Iterable[Place], read_only: bool | None) -> Board:
    """The board of what a command line names.

    Raises:
        ConfigError: a path does not exist.
    """
    from beautyspot_dashboard.board import Board

    board = Board()
    for place in places:
        where = place.where()
        if where and "://" not in where and not Path(where).expanduser().exists():
            raise ConfigError(
                f"there is no file and no folder {where}: give the path of a database, of a "
                "folder .beautyspot or the one that holds it, or a URL"
            )
        options = {name: text for name, text in place._asdict().items() if name != "store"}
        board.put_place(where, options, read_only)
    return board


def main(arguments: Sequence[str]) -> int:
    """Run the dashboard until it is interrupted; the exit status.

    Args:
        arguments: the words behind ``beautyspot ui``.
    """
    try:
        command.main(list(arguments), prog_name=_NAME)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _tell_what_fails(board: Board) -> None:
    for each in board.shelf.values():
        try:
            each.store().page("newest", limit=1)
            each.functions(0.0)  # for a page that asks soon
        except Exception as error:  # it is tried again at each look, and its page says so
            with suppress(OSError, ValueError):
                click.echo(f"{safe(each.slug)} does not open: {safe_lines(str(error))}", err=True)


def listening(port: int | None) -> socket.socket:
    """A socket that listens on this machine alone.

    Args:
        port: where; 0 is any that is free. None is the usual one, or the next that is free.

    Raises:
        ConfigError: the port is taken, or not allowed.
    """
    wanted = range(USUAL_PORT, USUAL_PORT + _NEXT_PORTS) if port is None else [port]
    problem = ""
    for each in wanted:
        try:
            return socket.create_server((ADDRESS, each))
        except OSError as error:
            problem = error.strerror or str(error)
    raise ConfigError(
        f"the port {wanted[0]} of {ADDRESS} can't be had ({problem}): give another one, or "
        "--port 0 for any that is free"
    )


def serve(board: Board, listener: socket.socket, *, opens: bool) -> None:
    """Serve until Ctrl-C or SIGTERM, and then what is being answered; a second one ends it at once.

    Args:
        board: what is shown.
        listener: where.
        opens: whether a browser is opened.
    """
    import uvicorn

    from beautyspot_dashboard.access import Door, Gate
    from beautyspot_dashboard.app import make_app

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            if self.should_exit:
                os._exit(128 + sig)
            super().handle_exit(sig, frame)

    door = Door(listener.getsockname()[1])
    config = uvicorn.Config(
        Gate(make_app(board), door=door),
        access_log=False,  # it would show the token
        log_config=None,
        log_level="error",
        proxy_headers=False,
        server_header=False,
        ws="none",
    )
    url = f"http://{ADDRESS}:{door.port}/?token={door.token}"
    click.echo(f"The dashboard is at {url}\nThis link is for this machine. Ctrl-C ends it.")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    try:
        with leading_to(url) if opens else nullcontext():
            Server(config).run([listener])
    except KeyboardInterrupt:  # Uvicorn raises what ended it again, when all is done
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def leading_to(url: str) -> Iterator[None]:
    """Show a URL in the browser of this desktop; nothing happens where there is none.

    The browser is given a file of this user's that leads there: its command line, which everybody
    on this machine sees, does not have the token.
    """
    descriptor, name = tempfile.mkstemp(prefix="beautyspot-", suffix=".html")  # with mode 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(
            '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0; url={url}"><title>beautyspot</title>'
            f'<a href="{url}">The dashboard</a>\n'
        )

    def browse() -> None:
        with suppress(webbrowser.Error, OSError):
            browser = webbrowser.get()
            if type(browser) is not webbrowser.GenericBrowser:  # one in this terminal
                browser.open(Path(name).as_uri())

    Thread(target=browse, daemon=True).start()
    try:
        yield
    finally:
        Path(name).unlink(missing_ok=True)

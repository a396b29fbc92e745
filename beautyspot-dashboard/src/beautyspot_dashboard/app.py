"""`dashboard`: the ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from beautyspot_dashboard.access import Gate, host_names
from beautyspot_dashboard.board import make_board
from beautyspot_dashboard.pages import (
    failures,
    functions,
    limits,
    live,
    removal,
    result,
    results,
    runs,
    stores,
    value,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from beautyspot import Spot
    from starlette.types import ASGIApp

    from beautyspot_dashboard.board import Board, Openable

_PAGES = (
    stores,
    functions,
    results,
    runs,
    result,
    removal,
    limits,
    live,
    value,
)


def dashboard(
    stores: Openable | Iterable[Openable] = (),
    *,
    spots: Spot | Iterable[Spot] = (),
    hosts: str | Sequence[str] = (),
    read_only: bool = True,
) -> ASGIApp:
    """An ASGI application, to be mounted in another one, such as Starlette's or FastAPI's.

    **It asks nobody who they are.** Whoever reaches it sees all results, so the application around
    it has to authenticate its users first. It needs no lifespan of its own.

    Args:
        stores: what is shown: paths, URLs or `Store` objects, as `open_store` takes them.
        spots: Spots of this process, whose stores are shown too, and what goes on in them.
        hosts: the host names, without a port, by which it may be asked. Empty: by "localhost" and
            loopback addresses only. It is compared with the header `Host`.
        read_only: False lets results be removed, by forms on its own pages only.

    Raises:
        ConfigError: nothing is given to be shown, or a host is none.
    """
    names = host_names(hosts)
    return Gate(make_app(make_board(stores, spots, read_only=read_only)), names)


def make_app(board: Board) -> ASGIApp:
    """The application of a board, which answers whoever asks: it belongs behind a `Gate`."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        for each in board.shelf.values():
            each.close()

    static = Mount(
        "/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static"
    )
    routes: list[BaseRoute] = [static, *(route for page in _PAGES for route in page.routes)]
    app = Starlette(
        routes=routes,
        exception_handlers=failures.HANDLERS,
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # that would name the scheme and the host anew
    app.state.board = board
    return app

"""A server of one's own for the dashboard, on this machine alone, until Ctrl-C."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import webbrowser
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import uvicorn
from beautyspot import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from starlette.types import ASGIApp

ADDRESS: Final = "127.0.0.1"
USUAL_PORT: Final = 8765
_NEXT_PORTS: Final = 20
_ENDING: Final = (signal.SIGINT, signal.SIGTERM)
_LAST_MOMENT: Final = 0.8
"""Seconds after Ctrl-C in which what is open may end. What hangs, such as a disk, is left."""


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
            return _bound(each)
        except OSError as error:
            problem = error.strerror or str(error)
    raise ConfigError(
        f"the port {wanted[0]} of {ADDRESS} can't be had ({problem}): give another one, or "
        "--port 0 for any that is free"
    )


def _bound(port: int) -> socket.socket:
    found = socket.socket()
    try:
        if os.name == "posix":  # elsewhere it would let two programs share a port
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((ADDRESS, port))
        found.listen()
    except BaseException:
        found.close()
        raise
    return found


def open_browser(url: str) -> None:
    """Show a URL in the browser of this desktop; nothing happens where there is none."""
    threading.Thread(target=_browse, args=(url,), daemon=True).start()


def _browse(url: str) -> None:
    try:
        browser = webbrowser.get()
        if type(browser) is not webbrowser.GenericBrowser:  # one in this terminal
            browser.open(url)
    except (webbrowser.Error, OSError):
        return


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM, within a second of it, whatever is open then."""
    server = _Server(
        uvicorn.Config(
            app,
            access_log=False,  # it would show the token
            log_config=None,
            log_level="error",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=0,  # streams have no end of their own
            ws="none",
        )
    )
    with _signals_to(server), _quiet_at_the_end(server), _ended_in_time(server):
        server.run([listener])


class _Server(uvicorn.Server):
    """Ends in time: the second Ctrl-C ends it at once, and so does what hangs after the first."""

    last_moment: threading.Timer | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal."""
        if self.should_exit:
            os._exit(128 + sig)
        super().handle_exit(sig, frame)
        self.last_moment = threading.Timer(_LAST_MOMENT, os._exit, (0,))
        self.last_moment.daemon = True
        self.last_moment.start()


@contextmanager
def _signals_to(server: _Server) -> Iterator[None]:
    """Have signals end the server before it takes them, too, and say nothing more afterwards.

    Uvicorn raises the signal that ended it again, when all is done.
    """

    def end(sig: int, frame: FrameType | None) -> None:
        del sig, frame
        server.should_exit = True

    mine = threading.current_thread() is threading.main_thread()  # others can't take signals
    before = {sig: signal.signal(sig, end) for sig in _ENDING if mine}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)


@contextmanager
def _ended_in_time(server: _Server) -> Iterator[None]:
    """Wait for threads that still answer, as the interpreter would; but not for those that hang."""
    before = set(threading.enumerate())
    try:
        yield
    finally:
        if server.last_moment is not None:
            for thread in set(threading.enumerate()) - before:
                if not thread.daemon:
                    thread.join()
            server.last_moment.cancel()


@contextmanager
def _quiet_at_the_end(server: _Server) -> Iterator[None]:
    """Log what fails, but not that a request was cut off by the end: that cancels its task."""

    def is_told(record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not server.should_exit or isinstance(error, Exception)

    logger = logging.getLogger("uvicorn.error")
    logger.addFilter(is_told)
    try:
        yield
    finally:
        logger.removeFilter(is_told)

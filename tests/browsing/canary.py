"""A server of somebody else on this machine: it remembers who asked it for what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Canary:
    """A server at a port of its own.

    Attributes:
        asked: the paths that were asked for, each with the header `Cookie` behind it.
        pages: path -> what is answered there: the content type, and the bytes; else nothing.
    """

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.asked: list[str] = []
        self.pages: dict[str, tuple[str, bytes]] = {}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A browser that goes on before it has read all is nothing to be told of."""


@contextmanager
def listening() -> Iterator[Canary]:
    """A canary while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            found = canary.pages.get(path)
            if found is None and path != "/favicon.ico":  # which a browser asks for by itself
                canary.asked.append(f"{self.path} {self.headers.get('Cookie', '')}".rstrip())
            content_type, body = found or ("text/plain", b"")
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    server = _Server(("127.0.0.1", 0), Handler)
    canary = Canary(server.server_port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield canary
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""The ground of the HTTP servers that tests start in their own process."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class LocalHTTPServer(ThreadingHTTPServer):
    """Serves on 127.0.0.1 in a ``with`` block.

    Attributes:
        url: where it listens, without a slash at the end.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class LocalHandler(BaseHTTPRequestHandler):
    """Answers over connections that stay open, and says nothing."""

    protocol_version = "HTTP/1.1"

    def send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Answer a request."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

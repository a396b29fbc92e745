"""A web site, and the API of two providers of language models, on this machine.

Whatever it sends that nobody may store has `CANARY` in it.
"""

from __future__ import annotations

import gzip
import json
from typing import Any, Final
from urllib.parse import urlsplit

import brotli
from servers.local_http import LocalHandler, LocalHTTPServer

CANARY: Final = "CANARY0c4f"
TEXT: Final = "größer, λ\n" * 20

COMPLETION: Final[dict[str, Any]] = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "small",
    "added_by_a_gateway": {"cost": [1]},
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": "hi", "reasoning": "none"},
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
MESSAGE: Final[dict[str, Any]] = {
    "id": "m1",
    "type": "message",
    "role": "assistant",
    "model": "small",
    "content": [
        {"type": "text", "text": "hi"},
        {"type": "tool_use", "id": "t", "name": "n", "input": {"a": [1]}},
        {"type": "of_a_later_release", "more": 1},
    ],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 2},
}


class WebSite(LocalHTTPServer):
    """Serves on 127.0.0.1, and counts.

    Attributes:
        asked: how many requests it got.
        keys: what they signed in with.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.asked = 0
        self.keys: list[str] = []


class _Handler(LocalHandler):
    server: WebSite

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        key = self.headers["authorization"] or self.headers["x-api-key"] or ""
        self.server.keys.append(key)
        path = urlsplit(self.path).path
        answer = COMPLETION if path.endswith("/chat/completions") else MESSAGE
        ids = {"x-request-id": "req_1", "request-id": "req_2"}
        self._send(200, json.dumps(answer).encode(), {"content-type": "application/json", **ids})

    def do_HEAD(self) -> None:
        self._send(200, b"", {})

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        text = TEXT.encode()
        if path == "/text":
            kind = {"content-type": "text/plain; charset=iso-8859-7"}
            self._send(200, TEXT.encode("iso-8859-7", "replace"), kind)
        elif path == "/gzip":
            self._send(200, gzip.compress(text), {"content-encoding": "gzip"})
        elif path == "/br":
            self._send(200, brotli.compress(text), {"content-encoding": "br"})
        elif path == "/moved":
            self._send(302, b"over there", {"location": f"/json?token={CANARY}&page=2"})
        elif path == "/missing":
            self._send(404, b"not here", {})
        else:
            link = f'<{self.server.url}/json?page=2&X-Amz-Signature={CANARY}>; rel="next"'
            headers = {
                "content-type": "application/json",
                "link": link,
                "x-auth-token": CANARY,
                "x-ratelimit-remaining-tokens": "12",
            }
            self._send(200, json.dumps({"answer": [1, 2.5, None]}).encode(), headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.server.asked += 1
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        for value in ("one", "two"):
            self.send_header("X-Many", value)
        self.send_header("Set-Cookie", f"session={CANARY}; Path=/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

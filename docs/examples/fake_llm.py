"""A stand-in for the API of a language model: it answers 429 if a limit is broken.

It counts requests and tokens in any window of a second, as such servers do.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WINDOW = 1.0


class FakeLLM(ThreadingHTTPServer):
    """Answers each prompt with as many words as it asks for.

    Attributes:
        url: where it listens, on this machine only.
        answers: how many calls got an answer.
        refusals: how many got a 429.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, requests: int, tokens: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"
        self.answers = self.refusals = 0
        self._most = requests, tokens
        self._seen: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def admits(self, tokens: int) -> bool:
        """Count a call, unless that breaks a limit."""
        now = time.monotonic()
        with self._lock:
            while self._seen and self._seen[0][0] <= now - WINDOW:
                self._seen.popleft()
            spent = sum(cost for _, cost in self._seen)
            good = len(self._seen) < self._most[0] and spent + tokens <= self._most[1]
            if good:
                self._seen.append((now, tokens))
            self.answers += good
            self.refusals += not good
            return good

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: FakeLLM

    def do_POST(self) -> None:
        prompt = self.rfile.read(int(self.headers["Content-Length"])).decode()
        tokens = len(prompt) // 4 + 20
        if not self.server.admits(tokens):
            self.send_response(429)
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        answer = json.dumps({"text": prompt.upper(), "total_tokens": tokens}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

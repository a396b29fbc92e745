"""A proxy for S3 that misbehaves by plan, to put between boto3 and a server.

It reads each request whole, and so knows what it is about. A rule says what becomes of requests of
one method whose keys match a pattern, and of how many of them; others pass. Rules are tried in the
order in which they were given, and each request uses up one turn of one rule::

    with S3Proxy(server) as proxy:
        proxy.on("PUT", "/leases/", cut_after)                     # done, but nobody is told
        proxy.on("PUT", "/rows/", answer(503, "SlowDown"), times=2)
        proxy.on("GET", "", dateless, times=None)                  # all of them

The client's signature covers the `Host` header, which is passed on as it came. A fault that changes
what is signed signs anew.
"""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from servers.seaweedfs import Server

CONDITIONS = ("If-None-Match", "If-Match")


class Request(NamedTuple):
    """What a client asks: its target as it stands in the first line, its headers by name.

    A fault that changes what the signature covers sets `is_changed`.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    is_changed: bool = False

    @property
    def key(self) -> str:
        """The object's key, or the prefix of a listing; "" of the bucket."""
        return unquote(urlsplit(self.target).path.lstrip("/")).partition("/")[2]

    def without(self, *names: str) -> Request:
        """The same less some headers."""
        left = {name.lower() for name in names}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in left}
        return self._replace(headers=kept)


class Answer(NamedTuple):
    """What the client gets."""

    status: int
    headers: dict[str, str]
    body: bytes


Send = Callable[[Request], Answer]
"""Passes a request on to the server."""

Fault = Callable[[Request, Send], Answer | None]
"""What becomes of a request; None has the connection end without an answer."""


class Seen(NamedTuple):
    """A request that came, and the status of its answer; 0 where there was none."""

    method: str
    key: str
    status: int


class _Rule:
    def __init__(self, method: str, key: str, fault: Fault, times: int | None, skip: int) -> None:
        self.method, self.key, self.fault = method, re.compile(key), fault
        self.left, self.skip = times, skip

    def takes(self, request: Request) -> bool:
        """Whether it is this rule's turn, which it uses up."""
        if self.left == 0 or self.method not in ("", request.method):
            return False
        if not self.key.search(request.key):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True


class S3Proxy:
    """Listens on a free port of loopback while the `with` block lasts.

    Attributes:
        seen: all requests that came, in the order of their answers.
    """

    def __init__(self, server: Server) -> None:
        self.seen: list[Seen] = []
        self._upstream = server
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._http = _Http(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> S3Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        for connection in self._open:
            _hang_up(connection)
        self._http.server_close()
        self._thread.join()

    def on(
        self, method: str, key: str, fault: Fault, *, times: int | None = 1, skip: int = 0
    ) -> None:
        """Have `fault` happen.

        Args:
            method: such as "PUT"; "" for all.
            key: a regular expression that is searched for in the object's key.
            fault: what happens.
            times: to how many requests; None is all.
            skip: requests that match and pass before.
        """
        with self._lock:
            self._rules.append(_Rule(method, key, fault, times, skip))

    def heal(self) -> None:
        """Have all requests pass from now on."""
        with self._lock:
            self._rules.clear()

    def count(self, method: str = "", key: str = "", status: int | None = None) -> int:
        """How many requests came that match."""
        return sum(
            method in ("", one.method)
            and re.search(key, one.key) is not None
            and status in (None, one.status)
            for one in [*self.seen]
        )

    def served(self, request: Request, send: Send) -> Answer | None:
        """What becomes of a request."""
        with self._lock:
            rule = next((rule for rule in self._rules if rule.takes(request)), None)
        answer = send(request) if rule is None else rule.fault(request, send)
        self.seen.append(Seen(request.method, request.key, answer.status if answer else 0))
        return answer

    def opened(self, connection: socket.socket) -> None:
        """Note a connection, to end it at last."""
        self._open.append(connection)

    def upstream(self) -> http.client.HTTPConnection:
        """A connection to the server."""
        return http.client.HTTPConnection("127.0.0.1", self._upstream.port, timeout=60)

    def signed(self, request: Request) -> Request:
        """The same request with a signature that holds."""
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        bare = request.without("Authorization", "X-Amz-Date", "Date", "Expect")
        url = f"http://{request.headers['Host']}{request.target}"
        made = AWSRequest(request.method, url, headers=bare.headers, data=request.body)
        made.context["client_config"] = None
        admin = self._upstream.admin
        S3SigV4Auth(Credentials(admin.access, admin.secret), "s3", "us-east-1").add_auth(made)
        return request._replace(headers=dict(made.headers.items()))


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], proxy: S3Proxy) -> None:
        self.proxy = proxy
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Either side may go whenever it likes."""


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with one of its own to the server."""

    protocol_version = "HTTP/1.1"
    _link: http.client.HTTPConnection | None = None

    @property
    def _proxy(self) -> S3Proxy:
        assert isinstance(self.server, _Http)
        return self.server.proxy

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._proxy.opened(self.connection)

    def finish(self) -> None:
        super().finish()
        if self._link is not None:
            self._link.close()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length) if length else b""
        request = Request(self.command, self.path, dict(self.headers.items()), body)
        answer = self._proxy.served(request, self._send)
        if answer is None:
            self.close_connection = True
        else:
            self._answer(request, answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve

    def _answer(self, request: Request, answer: Answer) -> None:
        lines = [f"HTTP/1.1 {answer.status} Status"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        if not any(name.lower() == "content-length" for name in answer.headers):
            lines.append(f"Content-Length: {len(answer.body)}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self.wfile.write(head + (b"" if request.method == "HEAD" else answer.body))

    def _send(self, request: Request) -> Answer:
        if request.is_changed:
            request = self._proxy.signed(request)
        link = self._link = self._link or self._proxy.upstream()
        try:
            link.putrequest(
                request.method, request.target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.without("Expect", "Connection").headers.items():
                link.putheader(name, value)
            link.endheaders(request.body or None)
            found = link.getresponse()
            body = found.read()
        except (OSError, http.client.HTTPException):
            self._link = None
            link.close()
            raise
        kept = {
            name: value
            for name, value in found.getheaders()
            if name.lower() not in ("connection", "transfer-encoding")
        }
        return Answer(found.status, kept, body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


# ------------------------------------------------------------------------------------ faults


def answer(status: int, code: str = "Injected") -> Fault:
    """Answer by an error of S3; nothing reaches the server."""
    body = f"<Error><Code>{code}</Code><Message>by plan</Message></Error>".encode()

    def fault(request: Request, send: Send) -> Answer:
        del request, send
        date = format_datetime(datetime.now(UTC), usegmt=True)
        return Answer(status, {"Content-Type": "application/xml", "Date": date}, body)

    return fault


SLOW_DOWN = answer(503, "SlowDown")
CONFLICT = answer(409, "ConditionalRequestConflict")
REFUSED = answer(412, "PreconditionFailed")
BROKEN = answer(500, "InternalError")


def passing(request: Request, send: Send) -> Answer | None:
    """Nothing: it takes a turn."""
    return send(request)


def cut_before(request: Request, send: Send) -> Answer | None:
    """The connection ends before the request has reached the server."""
    del request, send
    return None


def cut_after(request: Request, send: Send) -> Answer | None:
    """The connection ends when the server has done what was asked."""
    send(request)
    return None


def repeated(request: Request, send: Send) -> Answer | None:
    """The request reaches the server twice, and the second answer the client."""
    send(request)
    return send(request)


def ignoring(*conditions: str) -> Fault:
    """A server that ignores such conditions of writes."""

    def fault(request: Request, send: Send) -> Answer:
        left = request.without(*conditions)
        if request.method != "PUT" or left.headers == request.headers:
            return send(request)
        return send(left._replace(is_changed=True))

    return fault


unconditional = ignoring(*CONDITIONS)


def unknown(request: Request, send: Send) -> Answer | None:
    """A server that refuses conditions of writes, since it does not know them."""
    if request.method != "PUT" or request.without(*CONDITIONS).headers == request.headers:
        return send(request)
    return answer(501, "NotImplemented")(request, send)


def dateless(request: Request, send: Send) -> Answer | None:
    """An answer that does not say when it was given."""
    found = send(request)
    kept = {name: value for name, value in found.headers.items() if name.lower() != "date"}
    return found._replace(headers=kept)


def ahead(seconds: float) -> Fault:
    """An answer whose `Date` is so many seconds ahead: the server's clock was set."""

    def fault(request: Request, send: Send) -> Answer:
        found = send(request)
        headers = {
            name: _later(value, seconds) if name.lower() == "date" else value
            for name, value in found.headers.items()
        }
        return found._replace(headers=headers)

    return fault


def _later(date: str, seconds: float) -> str:
    return format_datetime(parsedate_to_datetime(date) + timedelta(seconds=seconds), usegmt=True)


class Held:
    """Requests that wait on their way, before the server or after it.

    Attributes:
        came: set when the first one waits.
    """

    def __init__(self, *, after: bool = False) -> None:
        self.came = threading.Event()
        self._after = after
        self._go = threading.Event()

    def let_go(self) -> None:
        """Have all pass from now on."""
        self._go.set()

    def __call__(self, request: Request, send: Send) -> Answer | None:
        found = send(request) if self._after else None
        self.came.set()
        self._go.wait(60)
        return found or send(request)

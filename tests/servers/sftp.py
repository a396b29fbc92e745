"""A real network file system on this machine: a folder that is mounted by way of SFTP.

`sshfs` talks to OpenSSH's `sftp-server` through a connection of the loopback interface, so neither
keys nor a daemon are needed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0

_PLACES = ("/usr/lib/openssh", "/usr/lib/ssh", "/usr/libexec/openssh", "/usr/libexec")


def _server() -> str | None:
    return shutil.which("sftp-server", path=os.pathsep.join(_PLACES))


def missing() -> str:
    """Why nothing can be mounted here; "" where it can be tried."""
    if _server() is None:
        return "there is no sftp-server"
    for program in ("sshfs", "fusermount3"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    return "" if os.access("/dev/fuse", os.R_OK | os.W_OK) else "/dev/fuse may not be used"


class Refused(Exception):
    """The system lets nobody mount anything."""


@contextmanager
def mounted(folder: Path, place: Path) -> Iterator[None]:
    """`folder` is seen at `place` as well, as if it were on another machine.

    Raises:
        Refused: it can't be mounted; says why.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        servers: list[subprocess.Popen[bytes]] = []
        thread = threading.Thread(target=_serve, args=(listener, servers))
        thread.start()
        port = listener.getsockname()[1]
        # The program goes on in the background once the folder is mounted.
        done = subprocess.run(
            ["sshfs", f"127.0.0.1:{folder}", str(place), "-o", f"directport={port}"],
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            listener.shutdown(socket.SHUT_RDWR)  # nobody comes any more
        thread.join()
    try:
        if done.returncode:
            raise Refused(done.stderr.decode())
        yield
    finally:
        if not done.returncode:
            subprocess.run(["fusermount3", "-u", "-z", str(place)], timeout=PATIENCE, check=True)
        for server in servers:  # ends with its client
            server.wait(PATIENCE)


def _serve(listener: socket.socket, servers: list[subprocess.Popen[bytes]]) -> None:
    try:
        connection, _ = listener.accept()
    except OSError:
        return
    with connection:
        servers.append(subprocess.Popen([str(_server())], stdin=connection, stdout=connection))

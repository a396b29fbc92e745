"""What is said where there are no more files to open: not that something else be mended."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from beautyspot import files
from beautyspot.errors import ConfigError, MetadataError
from beautyspot.resilience.reporting import Trouble
from beautyspot.spot import Spot
from beautyspot_local.sqlite.store import SqliteMetadataStore


def no_more(number: int = errno.EMFILE) -> OSError:
    return OSError(number, os.strerror(number))


def test_a_key_that_needs_a_file(make_spot: Callable[..., Spot], troubles: list[Trouble]) -> None:
    def key(x: int) -> str:
        raise no_more()

    assert make_spot(on_error=troubles.append).mark(key=key)(abs)(-1) == 1
    (trouble,) = troubles
    assert trouble.advice == f"The call runs uncached: {files.FILES}"


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.EMFILE, files.FILES), (errno.ENOSPC, files.ROOM)]
)
def test_a_lock_file_that_can_not_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    opened = os.open

    def open_file(path: Any, *rest: Any, **options: Any) -> int:
        if str(path).endswith(".lock"):
            raise no_more(number)
        return opened(path, *rest, **options)

    store = SqliteMetadataStore(tmp_path / "app.db")
    store.open()
    monkeypatch.setattr("os.open", open_file)
    with pytest.raises(MetadataError, match=f"{re.escape(advice)}$"):
        store.begin(["0" * 32], "1" * 32)


def test_sqlite_does_not_tell_why_it_can_not_open_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> sqlite3.Connection:
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        error.sqlite_errorname = "SQLITE_CANTOPEN"
        raise error

    store = SqliteMetadataStore(tmp_path / "app.db")
    monkeypatch.setattr("sqlite3.connect", fail)
    advice = f"may be read and written.*it may also be that {re.escape(files.FILES)}"
    with pytest.raises(MetadataError, match=advice):
        store.open()


PROGRAM = """
import logging, os, resource, sys
import beautyspot as bs

said = []
spot = bs.Spot("app", directory=sys.argv[1], config=False, on_error=said.append)
logging.disable()

@spot.mark
def plain(x): return x

resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
assert plain(1) == 1
assert spot.cached_run(lambda z: z, 1) == 1
for descriptor in held:
    os.close(descriptor)
print(*said, sep="\\n")
assert len(said) >= 2
assert all("ulimit -n" in str(each) for each in said)
assert not any("mend what" in str(each) for each in said)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits are set by the system's own calls")
def test_a_process_without_descriptors_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_relative_place_needs_a_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: Path) -> Path:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "absolute", gone)
    with pytest.raises(ConfigError, match="give an absolute path"):
        files.absolute("here", "directory")

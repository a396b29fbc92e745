"""On a network file system that is really mounted: no WAL there, which is said once."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot import connections
from kinds import RAN, result, work
from servers import sftp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beautyspot.spot import Spot

pytestmark = [
    pytest.mark.mount,
    pytest.mark.skipif(bool(sftp.missing()), reason=sftp.missing()),
]


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Path]:
    """Asked for before `make_spot`, so that its Spots end first."""
    folder, place = tmp_path / "server", tmp_path / "my share"
    folder.mkdir()
    place.mkdir()
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(sftp.mounted(folder, place))
        except sftp.Refused as refused:
            pytest.skip(str(refused))
        yield place


def test_it_is_detected(share: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(share)
    assert connections.network_file_system(share / "cache" / "app.db") == "fuse.sshfs"
    assert connections.network_file_system(tmp_path / "link" / "app.db") == "fuse.sshfs"
    assert connections.network_file_system(tmp_path / "app.db") is None


@pytest.mark.parametrize("save", ["sync", "background"])
def test_it_works_without_wal_and_says_so_once(
    share: Path, make_spot: Callable[..., Spot], caplog: pytest.LogCaptureFixture, save: str
) -> None:
    RAN.clear()
    spot = make_spot(directory=share / "cache", save=save)
    row, blob = spot.mark(work), spot.mark(name="blob", save_blob=True)(work)
    for x in (1, 2, 1, 2):
        assert row(x) == blob(x) == result(x)
        spot.flush()
    assert RAN == [1, 1, 2, 2]
    assert spot.prune(max_size=0).entries == 4
    assert spot.collect(grace=0).failed == 0
    assert not (share / "cache" / "app.db-wal").exists()
    (said,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "journal mode 'delete', since WAL does not work there" in said.getMessage()
    assert "choose a db_path on a local disk" in said.getMessage()


PROGRAM = """
    import sys
    import beautyspot as bs

    spot = bs.Spot("app", directory=sys.argv[1], config=False, save=sys.argv[2])

    @spot.mark(name="square")
    def square(x):
        print(x, flush=True)
        return x * x

    assert [square(x) for x in range(12)] == [x * x for x in range(12)]
    spot.shutdown()
"""


@pytest.mark.parametrize("save", ["sync", "background"])
def test_two_processes_share_it(share: Path, make_spot: Callable[..., Spot], save: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(share / "cache"), save]
    running: list[Any] = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    ran = {line for output, _ in told for line in output.split()}
    assert ran == {str(x) for x in range(12)}  # once or twice: a look-up waits a second, no longer
    spot = make_spot(directory=share / "cache")
    assert spot.stats()["entries"] == 12

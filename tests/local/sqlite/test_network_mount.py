"""On a network file system that is really mounted: no WAL there, which is said once."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import pytest
from beautyspot.files import network_file_system
from child import Child
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
    assert network_file_system(share / "cache" / "app.db") == "fuse.sshfs"
    assert network_file_system(tmp_path / "link" / "app.db") == "fuse.sshfs"
    assert network_file_system(tmp_path / "app.db") is None


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
    assert "serves one machine at a time" in said.getMessage()
    assert "choose a db_path on a local disk" in said.getMessage()


SHARING = """
import beautyspot as bs

spot = bs.Spot("app", directory={directory!r}, config=False, save={save!r})
ran = []

@spot.mark(name="square")
def square(x):
    ran.append(x)
    return x * x

spot.stats()
say("ready")
wait()
for x in range(12):
    for number in (x, {own} + x):
        assert square(number) == number ** 2
spot.flush()
say(" ".join(map(str, ran)))
wait()
spot.shutdown()
"""


@pytest.mark.parametrize("save", ["sync", "background"])
def test_two_processes_share_it(share: Path, make_spot: Callable[..., Spot], save: str) -> None:
    given = {"directory": str(share / "cache"), "save": save}
    with contextlib.ExitStack() as stack:
        both = [stack.enter_context(Child(SHARING.format(own=own, **given))) for own in (100, 200)]
        assert [child.heard() for child in both] == ["ready"] * 2
        for child in both:
            child.go_on()
        told = [child.heard().split() for child in both]  # and both have it open still
        for child in both:
            child.expect_success()
    # What both asked for: once or twice, since a look-up waits a second, no longer.
    ran = {int(number) for numbers in told for number in numbers}
    assert ran == {first + x for first in (0, 100, 200) for x in range(12)}
    spot = make_spot(directory=share / "cache")
    assert spot.stats()["entries"] == 36

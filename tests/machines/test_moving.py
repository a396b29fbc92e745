"""Results move from SQLite into a store that machines share, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from beautyspot.contracts.records import less_mark
from servers.shared import OWN_STORAGE, Shared

Make = Callable[..., bs.Spot]

KEY = "a-signing-key-0123456789"


class Refused(Exception):
    """An error that is a result."""


def calls_of(spot: bs.Spot, folder: Path) -> list[Callable[[], Any]]:
    """Calls whose results are of every kind; `Refused` is given and not raised."""
    marked = spot.mark(name="app:work", version=3, tags=("t", "日本"), price=lambda _: 0.25)
    work = marked(lambda size: "x" * size)
    film = spot.mark(name="app:film")(lambda: bs.File(folder / "film.mp4"))

    @spot.mark(name="app:refuse", cache_errors=Refused)
    def refuse() -> None:
        raise Refused("no")

    @spot.mark(name="app:stream", ttl="1d")
    def stream() -> Any:
        yield from (b"a", 2, {"three": 3.0})

    def refused() -> str:
        with pytest.raises(Refused) as caught:
            refuse()
        return str(caught.value)

    works = [lambda size=size: work(size) for size in (1, 2, 5000)]
    return [*works, lambda: film().read_bytes(), refused, lambda: list(stream())]


@pytest.fixture
def storage(kind: str, tmp_path: Path) -> dict[str, Any]:
    """Where a store that brings no storage has its large results."""
    place = {"use": "local", "base_dir": str(tmp_path / "all"), "shared": True}
    return {} if kind in OWN_STORAGE else {"storage": place}


def rows_of(store: bs.Store) -> dict[str, bs.TaskRecord]:
    """All rows, less where their data are, texts of arguments, marks of copies, `began_at`."""
    unlike: dict[str, Any] = {"result_value": None, "result_type": "", "arguments": None}
    unlike["began_at"] = None
    return {
        row.cache_key: row._replace(digest=less_mark(row.digest), **unlike) for row in store.rows()
    }


def counted(store: bs.Store) -> list[Any]:
    """What was counted of each function; times are left out, which are sums of fractions."""
    return sorted(
        (each.func_identifier, each.hour, each.hits, each.runs) for each in store.counts()
    )


@pytest.mark.parametrize("keys", [{}, {"signing_key": KEY}], ids=["plain", "signed"])
def test_all_goes_to_a_team_and_back(
    make_spot: Make,
    server: Shared,
    storage: dict[str, Any],
    namespace: str,
    tmp_path: Path,
    keys: dict[str, Any],
) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film" * 1000)
    with make_spot(strict=True, blob_threshold=1000, **keys) as mine:
        calls = calls_of(mine, tmp_path)
        expected = [call() for call in calls]
        assert [call() for call in calls] == expected  # hits, which are counted and noted
        mine.flush()
    options = {"metadata": server.at(namespace=namespace), **storage, **keys}
    with (
        make_spot(directory=tmp_path / "team", **options) as team,
        bs.open_store(mine.db_path, **keys) as source,
        bs.open_store(team) as there,
        bs.open_store(tmp_path / "back" / "app.db", create=True, **keys) as back,
    ):
        done = source.copy_to(there)
        assert (done.entries, done.faults, [*there.verify()]) == (6, (), [])
        assert source.copy_to(there)[:3] == (0, 0, 6)
        assert rows_of(there) == rows_of(source)
        assert any(row.used_at for row in there.rows())
        assert counted(there) == counted(source) != []
        assert there.copy_to(back)[:3] == done[:3]
        assert rows_of(back) == rows_of(source)
        assert counted(back) == counted(source)
        assert [*back.verify()] == []
        expect_hits(calls_of(team, tmp_path), expected, tmp_path)
    with make_spot(directory=tmp_path / "back", mode="replay", **keys) as again:
        expect_hits(calls_of(again, tmp_path), expected, tmp_path)


def expect_hits(calls: list[Callable[[], Any]], expected: list[Any], folder: Path) -> None:
    """Without the file that one of them was made of."""
    (folder / "film.mp4").unlink(missing_ok=True)
    assert [call() for call in calls] == expected

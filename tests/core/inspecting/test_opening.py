"""Which store `open_store` opens, by what it is given; and that looking changes nothing stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from beautyspot import (
    BackendNotFound,
    ConfigError,
    MetadataError,
    Removed,
    Spot,
    open_store,
    open_stores,
)
from beautyspot.memory import MemoryMetadataStore
from beautyspot_local import LocalStorage, SqliteMetadataStore
from core.inspecting.stored import row
from rows import put_rows

DATA = Path(__file__).parents[2] / "local" / "sqlite" / "data"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that is the working directory, with the store of the Spot "app"."""
    monkeypatch.chdir(tmp_path)
    fill("app")
    return tmp_path


def fill(name: str, **options: Any) -> None:
    """Store one result, of the size 2."""
    with Spot(name, **{"config": False, **options}) as spot:
        spot.mark(save_blob=True)(str.upper)("x")


def files(folder: Path) -> set[str]:
    """All that is below a folder, less what SQLite needs to read while another reads too."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return {path for path in found if not path.endswith(("-wal", "-shm"))}


@pytest.mark.parametrize(
    "where",
    [
        None,
        ".",
        ".beautyspot",
        ".beautyspot/app.db",
        Path(".beautyspot/app.db"),
        "sqlite:///.beautyspot/app.db",
        "sqlite:///.beautyspot/app.db?timeout=1",
        "SQLITE:///.beautyspot/app.db",
    ],
)
def test_ways_to_name_a_store(home: Path, where: Any) -> None:
    before = files(home)
    with open_store(where) as store:
        assert store.total().entries == 1
        assert store.place == str(home / ".beautyspot" / "app.db")
        assert store.place in repr(store)
        assert isinstance(store.storage, LocalStorage)
        assert store.storage.base_dir == home / ".beautyspot" / "blobs"
        assert store.signing_keys is None
        assert store.remove(dry_run=True, larger=0).entries == 1
        assert store.collect(dry_run=True).blobs == 0
    assert files(home) == before
    store.close()  # a second time does nothing
    with pytest.raises(MetadataError, match="open it again"):
        store.collect()


@pytest.mark.parametrize(
    ("where", "name", "message"),
    [
        ("app", None, "no file .*app[.] .*with name= of its Spot"),
        ("nowhere.db", None, "no file .*nowhere.db. The databases in that folder are none"),
        (".beautyspot/ap.db", None, "in that folder are app.db"),
        ("empty", None, "there is no store in .*: looked for files that end in .db"),
        ("empty", None, "A program makes it with its first result"),
        (None, "ap", "no store of the Spot 'ap' .* stores in that folder are app. Correct name="),
        (".beautyspot/app.db", "other", "name='other' says nothing: leave it out"),
        ("sqlite:///.beautyspot/app.db", "other", "name='other' says nothing: leave it out"),
        ("", None, "names no store"),
        ("a\0b", None, "names no store"),
        (b"x", None, "not an object of type bytes: give one of these"),
        ("sqlite://", None, "names no file: write sqlite:///relative"),
        ("sqlite:///nowhere.db", None, "there is no file"),
        (".", "../app", "can't be the name of a Spot"),
    ],
)
def test_what_is_no_store(home: Path, where: Any, name: Any, message: str) -> None:
    (home / "empty").mkdir()
    before = files(home)
    for opening in (open_store, open_stores):
        with pytest.raises(ConfigError, match=message):
            opening(where, name=name)
    assert files(home) == before


def test_one_of_several(home: Path) -> None:
    fill("other")
    with pytest.raises(ConfigError, match="2 stores in .* name='app' or name='other'"):
        open_store()
    for where in (None, ".", ".beautyspot"):
        with open_store(where, name="other") as store:
            assert store.place.endswith("other.db")


@pytest.mark.parametrize("where", [None, ".", ".beautyspot", Path(".beautyspot")])
def test_all_stores_of_a_folder(home: Path, where: Any) -> None:
    fill("other")
    before = files(home)
    found = open_stores(where)
    assert [Path(store.place).name for store in found] == ["app.db", "other.db"]
    assert [store.total().entries for store in found] == [1, 1]
    for store in found:
        store.close()
    assert files(home) == before


def test_a_spot_stores_what_waits_and_goes_on(make_spot: Any) -> None:
    spot = make_spot(save="background")
    marked = spot.mark(str.upper)
    marked("x")
    with open_store(spot) as store:
        assert store.total().entries == 1
        assert store.place == str(spot.db_path)
        assert store.storage is spot.storage
        assert store.remove(function="*").entries == 1
    marked("y")
    assert spot.peek(marked, "y").value == "Y"
    with pytest.raises(ConfigError, match="a Spot has its own backends: leave name=, storage= out"):
        open_store(spot, name="x", storage="memory")


def test_the_configuration_says_where(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "beautyspot.toml").write_text(
        'directory = "cache"\n[profiles.file]\ndb_path = "my.sqlite"\n'
        '[profiles.other]\nmetadata = "other"\nstorage = "s4"\n'
    )
    fill("app", config=None)
    fill("app", config=None, profile="file")
    monkeypatch.chdir(tmp_path / "cache")
    with open_store() as store:
        assert store.place == str(home / "cache" / "app.db")
    with open_store(profile="file") as store:
        assert store.place == str(home / "my.sqlite")
        assert store.total().entries == 1
    with pytest.raises(ConfigError, match="whose place may depend on the Spot's name: give name="):
        open_store(profile="other")
    with open_store(profile="other", name="app", plugins=[Plugin]) as store:
        assert store.place == "other of app"
        with pytest.raises(BackendNotFound, match="s4"):
            _ = store.storage
    with open_store("other://host?password=x", plugins=[Plugin], config=False) as store:
        assert store.place == "other://host?password=***"
    with open_store("other://host", name="app", plugins=[Plugin], config=False) as store:
        assert store.place == "other://host of app"


class Plugin:
    """Registers a store."""

    from beautyspot import hookimpl

    class Other(MemoryMetadataStore):
        name = "other"
        schemes = ("other",)

        def __init__(self, password: str = "") -> None:
            super().__init__()

        @classmethod
        def options_from_url(cls, url: str) -> dict[str, Any]:
            return {}

    @staticmethod
    @hookimpl
    def beautyspot_register_metadata() -> Any:
        return Plugin.Other


# ------------------------------------------------------------------- files that are not as usual


def contents(folder: Path) -> dict[str, bytes]:
    """What is stored in a folder."""
    return {name: (folder / name).read_bytes() for name in files(folder)}


@pytest.mark.parametrize("release", ["2.0.0", "2.4.1", "2.7.7"])
def test_a_database_of_an_earlier_release_is_migrated_when_it_is_changed(
    tmp_path: Path, release: str
) -> None:
    path = tmp_path / "old.db"
    path.write_bytes((DATA / f"beautyspot-{release}.db").read_bytes())
    before = contents(tmp_path)
    with open_store(path, config=False) as store:
        rows = list(store.rows("newest"))
        found = store.remove(key=rows[0].cache_key[:10], dry_run=True)
        assert store.remove(function="nothing*") == Removed(0, 0)
        assert store.prune(older_than=0, dry_run=True).entries == len(rows)
        assert "before 3.0" in store.why(rows[0].cache_key).reason
        assert contents(tmp_path) == before
        assert store.remove(key=rows[0].cache_key[:10]) == found
        assert store.total().entries == len(rows) - 1
    assert contents(tmp_path)["old.db"] != before["old.db"]


def test_a_store_that_is_written_to_meanwhile(make_spot: Any) -> None:
    spot = make_spot()
    marked = spot.mark(str.upper)
    with open_store(spot.db_path, config=False) as store:
        for text in "abc":
            marked(text)
            page = store.page("newest", limit=1)
            assert page.records[0].cache_key == spot.key(marked, text)
        rows = store.rows()
        first = next(rows)
        spot.invalidate_all(marked)
        marked("d")
        assert store.total().entries == 1
        assert {first.cache_key, *(row.cache_key for row in rows)} <= {
            spot.key(marked, text) for text in "abcd"
        }


def test_a_damaged_database_is_read_and_never_changed(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    store = SqliteMetadataStore(path)
    put_rows(store, *[row(number, result_data=bytes(1000)) for number in range(1, 200)])
    store.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xa5" * 8192)
    before = contents(tmp_path)
    with open_store(path, config=False) as opened:
        assert 150 < opened.total(function="app:ask").entries < 199
        assert opened.remove(function="app:ask", dry_run=True).entries > 150
        for change in (opened.remove, opened.prune):
            with pytest.raises(MetadataError, match="is damaged, so nothing is removed from it"):
                change(function="app:*", **({} if change == opened.remove else {"older_than": 0}))
    assert contents(tmp_path) == before


@pytest.mark.parametrize("opening", [open_store, open_stores])
@pytest.mark.parametrize("place", [".", ".beautyspot", ".beautyspot/app.db"])
def test_a_folder_that_is_closed_to_us_is_said_with_what_to_do(
    opening: Callable[..., Any], place: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(self: Path, **_: Any) -> Any:
        if ".beautyspot" in str(self):
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, **_)

    real = Path.stat
    monkeypatch.setattr(Path, "stat", closed)
    with pytest.raises(MetadataError) as caught:
        opening(place)
    said = str(caught.value)
    assert said.count(str(home)) == 1
    assert said.endswith("(Permission denied): have it opened to you, or give another store")

"""Which store `open_store` opens, by what it is given; and that looking leaves no trace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from beautyspot import BackendNotFound, ConfigError, MetadataError, Spot, open_store
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot_local import LocalStorage, SqliteMetadataStore
from core.inspecting.stored import ROWS, ScanOnly


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
        ("app", None, "for the store of the Spot 'app' give name="),
        (
            "nowhere.db",
            None,
            "no file .*nowhere.db. Databases in that folder: none: give",
        ),
        (".beautyspot/ap.db", None, "in that folder: app.db"),
        ("empty", None, "there is no store in .*: looked for files that end in .db"),
        (None, "ap", "no store of the Spot 'ap' .* There: app: correct name="),
        (".beautyspot/app.db", "other", "name='other' says nothing: leave it out"),
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
    with pytest.raises(ConfigError, match=message):
        open_store(where, name=name)
    assert files(home) == before


def test_one_of_several(home: Path) -> None:
    fill("other")
    with pytest.raises(ConfigError, match="2 stores in .* name='app' or name='other'"):
        open_store()
    for where in (None, ".", ".beautyspot"):
        with open_store(where, name="other") as store:
            assert store.place.endswith("other.db")


def test_a_folder_that_can_t_be_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "glob", closed)
    with pytest.raises(ConfigError, match="can't be read .Permission denied."):
        open_store()


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


@pytest.mark.parametrize("storage", ["memory", MemoryStorage(), MemoryStorage])
def test_a_store_or_a_spot_of_other_backends(make_spot: Any, storage: Any) -> None:
    metadata = MemoryMetadataStore()
    metadata.put(ROWS[0])
    with open_store(metadata, storage=storage, config=False) as store:
        assert store.total().entries == 1
        assert isinstance(store.storage, MemoryStorage)
    assert metadata.get(ROWS[0].cache_key) is not None, "it was given, and stays open"
    with open_store(make_spot(metadata=metadata), config=False) as store:
        assert "MemoryMetadataStore" in store.place


def test_the_configuration_says_where(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "beautyspot.toml").write_text(
        'directory = "cache"\n[profiles.file]\ndb_path = "my.sqlite"\n'
        '[profiles.other]\nmetadata = "scan-only"\nstorage = "s4"\n'
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
        assert store.place == "scan-only of app"
        with pytest.raises(BackendNotFound, match="s4"):
            _ = store.storage
    with open_store("other://host?password=x", plugins=[Plugin], config=False) as store:
        assert store.place == "other://host?password=***"


class Plugin:
    """Registers a store."""

    from beautyspot import hookimpl

    class Other(ScanOnly):
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


def test_a_handed_folder_is_read_by_the_configuration_above_it(home: Path) -> None:
    (home / "beautyspot.toml").write_text('storage = "memory"')
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    os.chdir(elsewhere)
    with open_store(home / ".beautyspot") as store:
        assert isinstance(store.storage, MemoryStorage)
    with open_store(home / ".beautyspot", config=False) as store:
        assert isinstance(store.storage, LocalStorage)
    with open_store(home, storage=home / "blobs") as store:
        assert isinstance(store.storage, LocalStorage)
        assert store.storage.base_dir == home / "blobs"
    with open_store(home, storage=f"{home}/blobs") as store:
        assert isinstance(store.storage, LocalStorage)


def test_rows_are_shown_where_no_storage_is_installed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(SqliteMetadataStore(home / ".beautyspot" / "app.db"), config=False) as store:
        monkeypatch.setenv("BEAUTYSPOT_PLUGINS", "none")
        with open_store(store.metadata, config=False) as bare:
            assert bare.storage is None
            assert bare.total().entries == 1
            with pytest.raises(BackendNotFound, match="no installed plug-in"):
                bare.collect()
        with open_store(Spot("app", metadata=store.metadata, config=False)) as bare:
            assert bare.storage is None
    with pytest.raises(BackendNotFound, match="sqlite"):
        open_store(home)

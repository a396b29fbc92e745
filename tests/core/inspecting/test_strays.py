"""Blobs under the ID of another store: they are listed, adopted, and removed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import pytest
from beautyspot.contracts import MetadataStoreBase
from beautyspot.memory import MemoryMetadataStore, MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY, OTHER = "a-signing-key-0123456789", "another-signing-key-0123"
DAY = 86400.0


def work(number: int) -> Any:
    return [number, "x" * 5000]


def marked_in(spot: bs.Spot, **options: Any) -> Any:
    return spot.mark(name="app:work", tags=("t",), **options)(work)


class Lost:
    """A storage with results of a Spot whose database is gone."""

    def __init__(self, folder: Path, *, age: float = 0.0, **options: Any) -> None:
        self.storage = MemoryStorage()
        self.folder = folder
        self.options = {"storage": self.storage, "blob_threshold": 1000, "config": False}
        with self.spot("lost", strict=True, **options) as spot:
            marked = marked_in(spot)
            for number in range(6):
                marked(number)
            path = folder / "a.txt"
            path.write_text("a file")
            spot.mark(name="app:file", key="file")(lambda: bs.File(path))()
            self.rows = {row.cache_key: row for row in spot.metadata.scan()}
            self.id = spot.metadata.store_id
        self.set_age(age)

    def spot(self, name: str, **options: Any) -> bs.Spot:
        return bs.Spot(name, directory=self.folder / name, **{**self.options, **options})

    def set_age(self, age: float) -> None:
        """Have all blobs be so old."""
        blobs = self.storage._blobs
        for key, (data, when, told) in list(blobs.items()):
            blobs[key] = (data, when - age, told)

    def new(self, **options: Any) -> bs.Store:
        """The store of a new Spot."""
        with self.spot("new") as spot:
            path = spot.db_path
        return bs.open_store(path, storage=self.storage, config=False, **options)


@pytest.fixture
def lost(tmp_path: Path) -> Lost:
    return Lost(tmp_path, age=2 * 3600)


# ------------------------------------------------------------------------------------- listing


def test_strays_are_listed_by_the_id_of_their_store(lost):
    with lost.spot("living", strict=True) as living:
        marked_in(living)(1)
        living_id = living.metadata.store_id
        [stray] = bs.open_store(living).strays()
        assert stray.store_id == lost.id
    own = lost.new()
    found = {stray.store_id: stray for stray in own.strays()}
    assert set(found) == {lost.id, living_id}
    assert found[lost.id].blobs == 7
    assert found[lost.id].size == sum(row.size for row in lost.rows.values())
    assert time.time() - found[living_id].newest < 3000 < time.time() - found[lost.id].newest
    assert found[lost.id].functions is None
    told: list[int] = []
    [_, known] = sorted(own.strays(functions=True, progress=told.append), key=lambda s: s.blobs)
    assert {name: each.entries for name, each in known.functions.items()} == {
        "app:work": 6, "app:file": 1
    }  # fmt: skip
    assert sum(told) == 8


def test_what_is_no_blob_of_a_store_is_no_stray(lost):
    own = lost.new()
    before = own.strays()
    for key in ("notes.txt", f"team/{lost.id}/00/{'0' * 32}-00000000.bin", "store/app/rows/0a"):
        lost.storage.save(key, b"x")
    assert own.strays() == before


def test_its_own_blobs_are_no_strays(lost):
    with lost.spot("new", strict=True) as spot:
        marked_in(spot)(1)
        store = bs.open_store(spot)
        assert [stray.store_id for stray in store.strays()] == [lost.id]
        with pytest.raises(bs.ConfigError, match="this store itself"):
            store.adopt(spot.metadata.store_id)


# ------------------------------------------------------------------------------------ adopting


def test_after_adoption_each_call_is_a_hit(lost):
    with lost.new() as store:
        done = store.adopt()
        assert done == bs.Adopted(7, sum(row.size for row in lost.rows.values()), 0, 0, (), ())
        assert store.strays() == []
        assert [*store.verify()] == []
    with lost.spot("new", mode="replay") as spot:
        marked = marked_in(spot)
        assert [marked(number) for number in range(6)] == [work(number) for number in range(6)]
        file = spot.mark(name="app:file", key="file")(lambda: None)
        assert file().read_bytes() == b"a file"
        assert spot.invalidate_all(tag="t") == 6


def test_rows_are_as_they_were_but_for_what_is_private(lost):
    with lost.new() as store:
        store.adopt()
        for row in store.rows():
            before = lost.rows[row.cache_key]._replace(result_data=None)
            assert row == before._replace(arguments=None)


def test_a_store_is_made_by_what_it_adopts_and_by_nothing_else(lost):
    path = lost.folder / "found" / "found.db"
    with bs.open_store(path, storage=lost.storage, config=False, lost=True) as store:
        [stray] = store.strays()
        assert (stray.store_id, stray.blobs) == (lost.id, 7)
        would = store.adopt(dry_run=True)
        blobs = [blob.location for blob in lost.storage.list()]
        assert not path.parent.exists()
        assert store.adopt() == would
        assert would.entries == store.total().entries == 7
        assert store.strays() == []
        assert not any("adopted" in blob for blob in blobs), "the note that it has adopted them"
    with bs.open_store(path, storage=lost.storage, config=False, lost=True) as store:
        assert store.total().entries == 7, "what is there is opened as ever"
        assert store.adopt(lost.id, dry_run=True).entries == 0


class NoId(MemoryMetadataStore):
    @property
    def store_id(self) -> str:
        raise bs.MetadataError("the store has no ID yet")


class Emptied(MemoryMetadataStore):
    """As in a server that has lost everything: there is an ID again when the store is used."""

    def for_looking(self) -> MetadataStoreBase:
        return NoId()


def test_a_server_that_lost_everything_adopts_before_a_spot_uses_it(lost):
    with bs.open_store(Emptied(), storage=lost.storage, config=False) as store:
        assert [stray.store_id for stray in store.strays()] == [lost.id]
        assert store.adopt(dry_run=True).entries == 7
        with pytest.raises(bs.MetadataError, match="no ID yet"):
            store.remove_strays(lost.id, dry_run=True)
        assert store.adopt().entries == 7


def test_a_dry_run_counts_what_is_there_as_new_and_what_may_be_in_use(tmp_path):
    lost = Lost(tmp_path)
    with lost.spot("new", strict=True) as spot:
        marked_in(spot)(1)
        store = bs.open_store(spot)
        assert store.adopt(dry_run=True) == bs.Adopted(0, 0, 0, 0, (), (lost.id,))
        would = store.adopt(lost.id, dry_run=True)
        assert (would.entries, would.present, store.total().entries) == (6, 1, 1)
        assert store.adopt(lost.id) == would


def test_young_strays_are_left_alone_unless_they_are_named(tmp_path):
    lost = Lost(tmp_path)
    with lost.new() as store:
        assert store.adopt() == bs.Adopted(0, 0, 0, 0, (), (lost.id,))
        assert store.total().entries == 0
        assert store.adopt(lost.id[:8]).entries == 7


def test_a_second_adoption_takes_the_rest(lost):
    class Ending(MemoryStorage):
        left = 3

        def about(self, location):
            self.left -= 1
            if self.left < 0:
                raise bs.StorageError("the network is gone")
            return super().about(location)

    ending = Ending()
    ending._blobs = lost.storage._blobs
    with lost.new() as first:
        path = first.place
    again = bs.open_store(path, storage=ending, config=False)
    with again, pytest.raises(bs.StorageError, match="network"):
        again.adopt()
    with lost.new() as store:
        assert store.adopt().entries == 7
        assert store.adopt() == bs.Adopted(0, 0, 0, 0, (), ())


def test_a_newer_result_stays(lost):
    with lost.spot("new", strict=True) as spot:
        marked = marked_in(spot)
        marked(3)
        before = spot.metadata.get(spot.key(marked, 3))
        done = bs.open_store(spot).adopt()
        assert done[:3] == (6, done.size, 1)
        assert spot.metadata.get(spot.key(marked, 3)) == before


def test_of_two_blobs_of_one_call_the_newer_is_adopted(lost):
    [row] = [row for row in lost.rows.values() if row.func_identifier == "app:file"]
    told = {**lost.storage.about(row.result_value), "began_at": repr(row.began_at - 5)}
    for digits in ("00000000", "ffffffff"):
        name = f"{row.result_value[:-12]}{digits}.txt"
        assert lost.storage.save(name, b"before", about=told)
    lost.set_age(7200)
    with lost.new() as store:
        done = store.adopt()
        assert done[:3] == (7, done.size, 2)
        assert store.row(row.cache_key).result_value == row.result_value
        [stray] = store.strays()
        assert stray.blobs == 2


def test_what_is_invalidated_meanwhile_is_not_adopted(lost):
    with lost.spot("new", strict=True) as spot:

        class Telling(MemoryStorage):
            def about(self, location):
                spot.invalidate_all(tag="t")
                return super().about(location)

        storage = Telling()
        storage._blobs = lost.storage._blobs
        with bs.open_store(spot.db_path, storage=storage, config=False) as store:
            assert store.adopt()[:3] == (1, 6, 6)


@pytest.mark.parametrize("garbage", [None, b"told", 7, ["a"], {"tags": 7}, {"tags": "[]", 1: "x"}])
def test_a_storage_that_tells_garbage_is_no_crash(lost, monkeypatch, garbage):
    monkeypatch.setattr(lost.storage, "about", lambda _: garbage)
    with lost.new() as store:
        if isinstance(garbage, dict):
            done = store.adopt()
            assert (done.entries, done.untold + len(done.faults)) == (0, 7)
            return
        with pytest.raises(bs.StorageError, match=r"about returned .* in place of a table"):
            store.adopt()


def test_what_makes_no_row_is_said(lost):
    told = {row.func_identifier: row for row in lost.rows.values()}
    row = told["app:work"]
    about = dict(lost.storage.about(row.result_value))
    folder = f"{lost.id}/00/"
    names = [f"{folder}{number * 32}-00000000.bin" for number in "1234"]
    lost.storage.save(names[0], b"nobody told anything")
    lost.storage.save(names[1], b"x", about={**about, "digest": "?"})
    lost.storage.save(names[2], b"other", about=about)
    lost.storage.save(names[3], b"x", about={"serializer": "msgpack"})
    lost.set_age(7200)
    with lost.new() as store:
        done = store.adopt()
        assert (done.entries, done.untold) == (7, 2)
        assert [(fault.key[0], fault.kind) for fault in done.faults] == [
            ("2", "damaged"), ("3", "size")
        ]  # fmt: skip
        [stray] = store.strays(functions=True)
        assert stray.blobs == 4
        assert {name: each.entries for name, each in stray.functions.items()} == {
            "": 2, "app:work": 2
        }  # fmt: skip


@pytest.mark.parametrize(
    ("stored", "ours", "entries"),
    [(None, None, 7), (KEY, KEY, 7), (None, KEY, 0), (KEY, None, 7), (KEY, OTHER, 7)],
)
def test_signatures_come_along_and_are_not_made(tmp_path, stored, ours, entries):
    lost = Lost(tmp_path, age=7200, **({"signing_key": stored} if stored else {}))
    with lost.new(**({"signing_key": ours} if ours else {})) as store:
        done = store.adopt()
        assert done.entries == entries
        assert {fault.kind for fault in done.faults} == ({"signed"} if not entries else set())
    with lost.spot("new", **({"signing_key": stored} if stored else {})) as spot:
        marked_in(spot)(1)
        assert spot.stats()["hits"] == (entries > 0)


def test_what_is_adopted_is_neither_collected_nor_removed_with_its_row(lost):
    with lost.new() as store:
        store.adopt()
        assert store.collect(grace=0).blobs == 0
        assert store.remove(function="app:work").entries == 6
        assert store.collect(grace=0).blobs == 0
        [stray] = store.strays()
        assert (stray.store_id, stray.blobs, stray.adopted_by) == (lost.id, 6, ())


def test_the_doctor_finds_what_is_adopted(lost):
    with lost.spot("new", strict=True) as spot:
        store = bs.open_store(spot)
        store.adopt()
        from beautyspot.inspecting.health import of_storage

        texts = [finding.text for finding in of_storage(store.metadata, lost.storage)]
        assert "7 blobs, none missing and none left over" in texts


def test_a_living_store_whose_blobs_were_adopted_is_as_sound_as_before(lost):
    from beautyspot.inspecting.health import of_storage

    with lost.spot("living", strict=True) as living:
        marked_in(living)(1)
        with lost.new() as store:
            assert store.adopt(living.metadata.store_id).entries == 1
        lost.set_age(7200)
        texts = [finding.text for finding in of_storage(living.metadata, lost.storage)]
        assert "1 blobs, none missing and none left over" in texts
        assert living.collect(grace=0).blobs == 0
        assert marked_in(living)(1) == work(1)


# ------------------------------------------------------------------------------------ removing


def test_strays_are_removed_by_their_id_and_nothing_else_is(lost):
    with lost.spot("living", strict=True) as living, lost.new() as store:
        marked_in(living)(1)
        with pytest.raises(bs.ConfigError, match="say whose"):
            store.remove_strays()
        with pytest.raises(bs.ConfigError, match=r"2\.0 hours ago.*force=True"):
            store.remove_strays(lost.id)
        lost.set_age(8 * DAY)
        size = sum(row.size for row in lost.rows.values())
        assert store.remove_strays(lost.id, dry_run=True) == bs.Collected(7, size, 0, 0)
        assert store.remove_strays(lost.id[:8]) == bs.Collected(7, size, 0, 0)
        [stray] = store.strays()
        assert stray.store_id == living.metadata.store_id
        assert store.remove_strays(stray.store_id, force=True).blobs == 1


def test_what_a_row_here_names_stays(lost):
    with lost.new() as store:
        store.adopt()
        store.remove(function="app:file")
        assert store.remove_strays(lost.id, force=True)[:2] == (1, 6)
        assert [*store.verify()] == []


def test_what_another_store_has_adopted_is_refused(lost):
    with lost.new() as store:
        store.adopt()
        adopter = store.metadata.store_id
    lost.set_age(8 * DAY)
    with lost.spot("third") as spot:
        third = bs.open_store(spot)
        [stray] = [each for each in third.strays() if each.store_id == lost.id]
        assert stray.adopted_by == (adopter,)
        with pytest.raises(bs.ConfigError, match=f"adopted by the store {adopter}"):
            third.remove_strays(lost.id)
        assert third.remove_strays(lost.id, force=True).blobs == 7
    assert not any("adopted" in blob.location for blob in lost.storage.list())


def test_blobs_that_stay_are_counted(lost, monkeypatch):
    def fail(location: str) -> None:
        raise bs.StorageError(f"{location}: permission denied")

    with lost.new() as store:
        monkeypatch.setattr(lost.storage, "delete", fail)
        monkeypatch.setattr("beautyspot.results.collecting.storage_time", lambda *_: time.time())
        assert store.remove_strays(lost.id, force=True) == bs.Collected(0, 0, 0, 7)


@pytest.mark.parametrize("given", ["", "abc", "../../etc", "0123456z", 7])
def test_what_is_no_id_is_refused(lost, given):
    with lost.new() as store:
        for method in (store.adopt, store.remove_strays):
            with pytest.raises(bs.ConfigError, match="no ID of a store"):
                method(given)


def test_an_id_that_is_not_there_says_which_are(lost):
    with lost.new() as store, pytest.raises(bs.ConfigError, match=f"no store has.*{lost.id}"):
        store.adopt("0" * 16)


def test_a_storage_that_keeps_nothing_has_strays_of_unknown_functions(tmp_path):
    options = {"storage": "local", "blob_threshold": 1000, "directory": tmp_path, "config": False}
    with bs.Spot("lost", strict=True, **options) as spot:
        marked_in(spot)(1)
        path, lost_id = spot.db_path, spot.metadata.store_id
    path.unlink()
    with bs.Spot("new", **options) as spot:
        store = bs.open_store(spot)
        [stray] = store.strays(functions=True)
        assert (stray.store_id, stray.blobs, [*stray.functions]) == (lost_id, 1, [""])
        assert store.adopt(lost_id)[:4] == (0, 0, 0, 1)
        assert store.remove_strays(lost_id, force=True).blobs == 1


def test_a_store_without_a_storage_says_so(make_spot: Callable[..., bs.Spot]):
    store = bs.open_store(MemoryMetadataStore(), storage=MemoryStorage(), config=False)
    assert store.strays() == []
    assert store.adopt() == bs.Adopted(0, 0, 0, 0, (), ())

"""Results that are files: stored by their content, given back as files, checked."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from beautyspot import File, SerializationError
from beautyspot.memory import MemoryStorage
from beautyspot.resilience import guarded_backends
from gates import DEADLINE, Gate, followers, until
from rows import put_rows

FILM = bytes(range(256)) * 5000


SIGNED = "a-signing-key-0123456789"


class Remote(MemoryStorage):
    """A storage of another machine, which reads parts; counts them."""

    name = "remote"
    lost: bool = False

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[tuple[int, int]] = []

    def load_part(self, location: str, start: int, size: int) -> bytes:
        self.parts.append((start, size))
        return self.load(location)[start : start + size]


class Whole(MemoryStorage):
    """A storage that was written before there were parts."""

    name = "whole"


STORAGES: dict[str, Callable[[], Any]] = {
    "local": lambda: "local",
    "parts": Remote,
    "whole": Whole,
}


@pytest.fixture(params=STORAGES)
def storage(request: Any) -> Any:
    return STORAGES[request.param]()


RAN: list[Any] = []  # global, since what is captured counts as input


GATES: list[Gate] = []


@pytest.fixture
def ran() -> list[Any]:
    RAN.clear()
    return RAN


@pytest.fixture
def gate() -> Gate:
    GATES[:] = [Gate()]
    return GATES[0]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def writer(out: Path) -> Callable[[str], File]:
    def film(title: str) -> File:
        RAN.append(title)
        path = out / f"{title}.mp4"
        path.write_bytes(FILM + title.encode())
        return File(path)

    return film


def marked(spot: Any, out: Path, **options: Any) -> Any:
    return spot.mark(name="film", key=lambda title: title, **options)(writer(out))


@pytest.mark.parametrize("signing_key", [None, SIGNED, [SIGNED, "an-older-key-0123456789"]])
@pytest.mark.parametrize("save", ["sync", "background"])
def test_a_hit_equals_what_was_returned(
    make_spot: Any, storage: Any, out: Path, ran: list[Any], save: str, signing_key: Any
) -> None:
    spot = make_spot(strict=True, storage=storage, save=save, signing_key=signing_key)
    film = marked(spot, out)
    first = film("a")
    assert first.path == out / "a.mp4"
    first.path.write_bytes(b"its caller goes on with it")
    spot.flush()
    for hit in (film("a"), film("a")):
        assert (hit.name, hit.content_type, hit.size) == ("a.mp4", "video/mp4", len(FILM) + 1)
        assert hit.read_bytes() == Path(os.fspath(hit)).read_bytes() == FILM + b"a"
        with hit.open() as file:
            assert file.read(3) == FILM[:3]
        assert hit.path.suffix == ".mp4"
        assert hit.path.stat().st_mode & 0o777 == 0o400, "it is to be read"
    assert ran == ["a"]


def test_it_is_fetched_once(
    make_spot: Any, out: Path, ran: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded_backends, "PART", 2**20)
    remote = Remote()
    film = marked(make_spot(strict=True, storage=remote), out)
    film("a")
    assert [film("a") == File(out / "a.mp4") for _ in range(3)] == [True] * 3
    assert remote.parts == [(0, 2**20), (2**20, 2**20)]
    again = marked(make_spot(strict=True, storage=remote), out)
    assert again("a") == film("a")
    assert len(remote.parts) == 2, "a Spot of the same directory has it, too"
    assert ran == ["a"]


@pytest.mark.parametrize(
    ("given", "name", "content_type"),
    [
        ({}, "a.mp4", "video/mp4"),
        ({"name": "Ü b.tar.gz"}, "Ü b.tar.gz", "application/octet-stream"),
        ({"name": "model"}, "model", "application/octet-stream"),
        ({"content_type": "video/x-own; codecs=1"}, "a.mp4", "video/x-own; codecs=1"),
        ({"name": "b.json", "content_type": "text/plain"}, "b.json", "text/plain"),
    ],
)
def test_name_and_type_come_back(
    spot: Any, out: Path, given: dict[str, Any], name: str, content_type: str
) -> None:
    path = out / "a.mp4"
    path.write_bytes(b"")
    made = spot.mark(name="f")(lambda: File(path, **given))
    for file in (made(), made()):
        assert (file.name, file.content_type, file.size) == (name, content_type, 0)


def test_followers_get_it_as_well(
    make_spot: Any, storage: Any, out: Path, ran: list[Any], gate: Gate
) -> None:
    spot, work = make_spot(strict=True, storage=storage), writer(out)

    @spot.mark(name="film", key=lambda title: title)
    def film(title: str) -> File:
        GATES[0].pass_through()
        return work(title)

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(film, "a") for _ in range(4)]
        until(lambda: followers(spot) == 3, unless=futures)
        gate.open.set()
        files = [future.result(DEADLINE) for future in futures]
    assert ran == ["a"]
    assert [file == files[0] for file in files] == [True] * 4
    assert sum(file.path == out / "a.mp4" for file in files) == 1


def say(troubles: list[Any]) -> str:
    [trouble] = troubles
    return str(trouble)


@pytest.mark.parametrize("save", ["sync", "background"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone.bin", "No such file or directory"),
        ("folder", "of a folder an archive"),
        ("fifo", "is no plain file"),
        ("no\0name", "null "),
    ],
)
def test_what_is_no_file_is_returned_and_not_stored(
    make_spot: Any, out: Path, troubles: list[Any], name: str, said: str, save: str
) -> None:
    (out / "folder").mkdir()
    os.mkfifo(out / "fifo")
    spot = make_spot(on_error=troubles.append, save=save)
    made = spot.mark(name="f", key="k")(lambda: File(out / name, name="x"))
    assert made().path == out / name
    spot.flush()
    assert said in say(troubles)
    assert "The value is returned, and not cached" in say(troubles)
    assert list(spot.metadata.all_rows()) == list(spot.storage.list()) == []


class Meddling(Remote):
    """Somebody does something to the file while it is saved."""

    def __init__(self, meddle: Callable[[], object]) -> None:
        super().__init__()
        self.meddle = meddle

    def save_file(self, key: str, file: Any, *, content_type: str | None = None) -> str:
        part = file.read(10)
        self.meddle()
        return self.save(key, part + file.read())


@pytest.mark.parametrize("size", [100, len(FILM) + 100])
def test_a_file_that_is_changed_meanwhile_is_not_stored(
    make_spot: Any, out: Path, ran: list[Any], troubles: list[Any], size: int
) -> None:
    def meddle() -> None:
        os.truncate(out / "a.mp4", size)

    storage = Meddling(meddle)
    spot = make_spot(on_error=troubles.append, storage=storage)
    film = marked(spot, out)
    film("a")
    assert "Return a File to which nothing writes" in say(troubles)
    assert list(storage.list()) == list(spot.metadata.all_rows()) == []


@pytest.mark.parametrize("signing_key", [None, SIGNED])
def test_a_damaged_file_is_made_again(
    make_spot: Any, storage: Any, out: Path, ran: list[Any], signing_key: Any
) -> None:
    spot = make_spot(storage=storage, signing_key=signing_key)
    film = marked(spot, out)
    film("a")
    [blob] = spot.storage.list()
    spot.storage.save(blob.location, FILM + b"b")
    assert film("a") == File(out / "a.mp4")
    assert ran == ["a", "a"]
    assert film("a").read_bytes() == FILM + b"a"
    assert ran == ["a", "a"]


def test_a_missing_blob_is_a_miss(make_spot: Any, storage: Any, out: Path, ran: list[Any]) -> None:
    spot = make_spot(strict=True, storage=storage)
    film = marked(spot, out)
    film("a")
    for blob in list(spot.storage.list()):
        spot.storage.delete(blob.location)
    film("a")
    assert ran == ["a", "a"]


@pytest.mark.parametrize("codec", ["file:", "file:[]", 'file:["../x","a/b"]', 'file:["a",3]'])
def test_a_row_cannot_name_a_path(
    make_spot: Any, out: Path, ran: list[Any], troubles: list[Any], codec: str
) -> None:
    spot = make_spot(on_error=troubles.append)
    film = marked(spot, out)
    film("a")
    from beautyspot.results.validity import UNSIGNED

    [record] = spot.metadata.all_rows()
    digest = UNSIGNED.sign(record.cache_key, codec, None, None, FILM + b"a")
    put_rows(spot.metadata, record._replace(serializer=codec, digest=digest))
    film("a")
    assert "no sound name" in str(troubles[0])
    assert ran == ["a", "a"]


def test_a_file_is_always_a_blob(
    make_spot: Any, out: Path, ran: list[Any], troubles: list[Any]
) -> None:
    work, spot = writer(out), make_spot(on_error=troubles.append)
    film = spot.mark(name="film", key="a", save_blob=False)(lambda title: work(title))
    film("a")
    film("a")
    assert "save_blob=False forbids blobs: leave it out" in str(troubles[0])
    assert ran == ["a", "a"]


@pytest.mark.parametrize("shape", [lambda f: [f], lambda f: {"film": f}, lambda f: (f, 1)])
def test_a_file_in_another_value_is_refused(make_spot: Any, out: Path, shape: Any) -> None:
    (out / "a").write_bytes(b"x")
    made = make_spot(strict=True).mark(name="f", key="k")(lambda: shape(File(out / "a")))
    with pytest.raises(SerializationError, match="stored only as the whole result"):
        made()


def test_files_are_equal_by_name_type_and_content(out: Path) -> None:
    one, other, more = out / "one.txt", out / "other.txt", out / "more.txt"
    one.write_bytes(b"x")
    other.write_bytes(b"x")
    more.write_bytes(b"xy")
    file = File(one)
    assert file == File(one) == File(other, name="one.txt")
    assert file != File(other)
    assert file != File(more, name="one.txt")
    assert file != File(one, "text/html")
    assert file != File(out / "gone", name="one.txt")
    assert file != "one.txt"
    assert repr(file) == f"File({str(one)!r}, 'text/plain', name='one.txt')"
    assert pickle.loads(pickle.dumps(file)) == file


def test_as_an_argument_it_counts_by_its_content(spot: Any, out: Path, ran: list[Any]) -> None:
    film = marked(spot, out)

    @spot.mark(name="length")
    def length(file: File) -> int:
        RAN.append(file.name)
        return file.size

    assert length(film("a")) == length(film("a")) == len(FILM) + 1
    assert ran == ["a", "a.mp4"]
    (out / "a.mp4").write_bytes(b"changed")
    assert length(File(out / "a.mp4")) == 7

"""A file that is not what it was is a miss: also one whose digest this process has taken before."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from beautyspot import File
from beautyspot.config.signing import SigningKeys
from beautyspot.results import local_files
from beautyspot.results.validity import Unsigned
from beautyspot.spot import Spot
from gates import until

SIZE = 2**18  # bytes: over the threshold
RAN: list[int] = []  # global, since what is captured counts as input
OUT: list[Path] = []


def in_bytes(number: int) -> bytes:
    RAN.append(number)
    return bytes([number]) * SIZE


def in_text(number: int) -> str:
    RAN.append(number)
    return f"{number}" * SIZE


def in_array(number: int) -> Any:
    RAN.append(number)
    return np.full(SIZE // 8, float(number))


def in_file(number: int) -> File:
    RAN.append(number)
    path = OUT[0] / f"{number}.bin"
    path.write_bytes(bytes([number]) * SIZE)
    return File(path)


KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "bytes": (in_bytes, {}),
    "text": (in_text, {}),
    "array": (in_array, {}),
    "mapped": (in_array, {"mmap": True}),
    "file": (in_file, {}),
}


@pytest.fixture
def app(make_spot: Any) -> Spot:
    spot: Spot = make_spot()
    return spot


@pytest.fixture(params=KINDS)
def marked(request: Any, app: Spot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function whose files are remembered as soon as they were checked."""
    RAN.clear()
    OUT[:] = [tmp_path]
    monkeypatch.setattr(local_files, "SETTLED", 0)
    function, options = KINDS[request.param]
    return app.mark(**options)(function)


@pytest.fixture
def digests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of results whose bytes in files were read for their digest."""
    keys: list[str] = []
    begun = Unsigned.begun

    def count(self: Unsigned, key: str, *rest: Any) -> Any:
        keys.append(key)
        return begun(self, key, *rest)

    monkeypatch.setattr(Unsigned, "begun", count)
    return keys


def content(result: Any) -> Any:
    if isinstance(result, File):
        return result.read_bytes()
    return result.tobytes() if isinstance(result, np.ndarray) else result


def file_of(app: Spot, marked: Any, number: int) -> Path:
    found = app.peek(marked, number)
    assert found is not None
    return Path(str(found.location))


def known(marked: Any, *numbers: int) -> list[Any]:
    """What the calls give, once the files of their results were checked, some time ago."""
    for number in numbers:
        marked(number)
        marked(number)
    probe = OUT[0] / "probe"
    probe.touch()
    before = probe.stat().st_ctime_ns

    def has_ticked() -> bool:
        probe.chmod(0o600)
        return probe.stat().st_ctime_ns > before

    until(has_ticked)
    return [content(marked(number)) for number in numbers]


def flip(path: Path) -> None:
    """Change one bit in its place, and set the time back."""
    times = path.stat()
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(SIZE // 2)
        byte = file.read(1)[0]
        file.seek(SIZE // 2)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def exchange(path: Path) -> None:
    """Put another file of this size and time in its place."""
    other, times = path.with_name("other"), path.stat()
    other.write_bytes(bytes(times.st_size))
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)


def add(path: Path) -> None:
    path.chmod(0o600)
    with path.open("ab") as file:
        file.write(b"x")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a flipped bit": flip,
    "another file": exchange,
    "longer": add,
    "shorter": lambda path: os.truncate(path, SIZE // 2),
    "a byte shorter": lambda path: os.truncate(path, path.stat().st_size - 1),
    "empty": lambda path: os.truncate(path, 0),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("again", [False, True], ids=["first hit", "later hit"])
def test_it_is_made_again(
    app: Spot, marked: Any, change: Callable[[Path], object], digests: list[str], again: bool
) -> None:
    if again:
        [made] = known(marked, 1)
        assert len(digests) == 1 + (marked.__wrapped__ is in_file), "it was taken once"
    else:
        made = content(marked(1))
    change(file_of(app, marked, 1))
    assert content(marked(1)) == made
    assert RAN == [1, 1]
    assert content(marked(1)) == made
    assert RAN == [1, 1]


def test_two_that_change_places(app: Spot, marked: Any) -> None:
    made = known(marked, 1, 2)
    one, two = file_of(app, marked, 1), file_of(app, marked, 2)
    aside = one.rename(one.with_name("aside"))
    two.rename(one)
    aside.rename(two)
    assert [content(marked(1)), content(marked(2))] == made
    assert RAN == [1, 2, 1, 2]


def test_one_that_has_just_changed_is_not_remembered(
    marked: Any, digests: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its next change may come within the same tick of the clock."""
    monkeypatch.setattr(local_files, "SETTLED", 3600 * 10**9)
    marked(1)
    digests.clear()
    marked(1)
    marked(1)
    assert len(digests) == 2
    assert RAN == [1]


def test_signed_bytes_are_checked_each_time(
    make_spot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_files, "SETTLED", 0)
    marked = make_spot(signing_key="a-signing-key-0123456789").mark(in_bytes)
    marked(1)
    begun, checks = SigningKeys.begun, []

    def count(*args: Any) -> Any:
        checks.append(args)
        return begun(*args)

    monkeypatch.setattr(SigningKeys, "begun", count)
    assert marked(1) == marked(1) == bytes([1]) * SIZE
    assert len(checks) == 2

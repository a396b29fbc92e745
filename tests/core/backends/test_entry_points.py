"""Entry points read from folders: those that `importlib.metadata` finds, and when it is asked."""

from __future__ import annotations

import importlib.metadata
import json
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from beautyspot.backends import discovery, entry_points, registry
from beautyspot.backends.entry_points import all_in_folders, installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.backends.entry_points import EntryPoint


@pytest.fixture(autouse=True)
def _no_traces() -> Iterator[None]:
    yield
    registry.forget()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A `sys.path` of its own, with one empty folder; what the test needs is imported already."""
    entry_points.library()
    (tmp_path / "site").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    return sys.path


def install(folder: str, name: str, entry_points: str | bytes | None = None) -> Path:
    """What pip leaves of a distribution, such as ``Foo-1.0.dist-info``."""
    place = Path(folder) / name
    place.mkdir(parents=True)
    title, _, version = name.removesuffix(".dist-info").partition("-")
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {title}\nVersion: {version}\n")
    if isinstance(entry_points, str):
        entry_points = entry_points.encode()
    if entry_points is not None:
        (place / "entry_points.txt").write_bytes(entry_points)
    return place


def points() -> list[EntryPoint]:
    """What is found of our group."""
    return [point for dist in installed() for point in dist.points("beautyspot")]


@pytest.mark.parametrize("group", ["beautyspot", "pytest11", "console_scripts", "nobody's"])
def test_the_library_finds_the_same(group: str) -> None:
    found = [point for dist in installed() for point in dist.points(group)]
    theirs = importlib.metadata.entry_points(group=group)
    assert sorted((p.name, p.value, p.dist.version) for p in found) == sorted(
        (p.name, p.value, p.dist.version) for p in theirs if p.dist is not None
    )


def test_only_lines_of_the_group_count(path: list[str]) -> None:
    text = """
    loose = not.ours
    [other]
    no = not.ours
    [beautyspot]
    # a comment = of no use

    one = package.one
      two=package.two:attribute
    [beautyspot.more]
    three = not.ours
    """
    install(path[0], "Foo-1.0.dist-info", text)
    assert [(p.name, p.value) for p in points()] == [
        ("one", "package.one"),
        ("two", "package.two:attribute"),
    ]


def test_a_distribution_tells_of_itself_what_it_is_asked(path: list[str]) -> None:
    install(path[0], "Foo-1.0.dist-info", "[beautyspot]\nfoo = foo")
    (point,) = points()
    assert (point.dist.name, point.dist.version) == ("Foo", "1.0")
    assert str(point.dist.locate_file("foo.py")) == f"{path[0]}/foo.py"


@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("json", json),
        ("json.decoder", json.decoder),
        (" json : JSONDecoder ", json.JSONDecoder),
        ("json:JSONDecoder.decode [extra]", json.JSONDecoder.decode),
    ],
)
def test_an_entry_point_is_loaded(path: list[str], value: str, target: object) -> None:
    install(path[0], "Foo-1.0.dist-info", f"[beautyspot]\nfoo = {value}")
    (point,) = points()
    assert point.load() is target


def test_of_one_name_the_first_is_taken(path: list[str], tmp_path: Path) -> None:
    path.append(str(tmp_path / "other"))
    install(path[0], "Foo_Bar-1.0.dist-info", "[beautyspot]\nfoo = first")
    install(path[1], "foo.bar-2.0.dist-info", "[beautyspot]\nfoo = second")
    install(path[1], "foo_bars-2.0.egg-info", "[beautyspot]\nfoos = third")
    assert [point.value for point in points()] == ["first", "third"]


def test_what_has_no_entry_points_or_is_not_there_brings_none(path: list[str]) -> None:
    path.append(f"{path[0]}/nowhere")
    install(path[0], "none-1.0.dist-info")
    (install(path[0], "folder-1.0.dist-info") / "entry_points.txt").mkdir()
    (Path(path[0]) / "file-1.0.egg-info").write_text("Name: file")
    (Path(path[0]) / "module.py").touch()
    assert len(list(installed())) == 3
    assert points() == []


def test_the_working_directory_is_looked_into(
    path: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(path[0], "Foo-1.0.dist-info", "[beautyspot]\nfoo = foo")
    monkeypatch.chdir(path[0])
    path[:] = [""]
    assert [point.name for point in points()] == ["foo"]


def test_one_that_can_t_be_read_is_left_out_alone(
    path: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    install(path[0], "Bad-1.0.dist-info", b"[beautyspot]\nbad = \xff")
    install(path[0], "Foo-1.0.dist-info", "[beautyspot]\nfoo = foo")
    registry.forget()
    assert [origin.name for origin in discovery.scan()] == ["foo"]
    (record,) = caplog.records
    assert record.getMessage().startswith("the entry points of Bad 1.0 can't be read (")


# ---------------------------------------------------------------------- more than folders


class Finder:
    """Somebody's finder, with distributions of its own."""

    def find_spec(self, *_: object) -> None:
        """It finds no module."""

    def find_distributions(self, context: Any = None) -> list[Any]:
        """One distribution, with one entry point."""
        del context
        return [Distribution()]


class Distribution(importlib.metadata.Distribution):
    """A distribution that lies in no folder."""

    def read_text(self, filename: str) -> str | None:
        """Its metadata."""
        files = {
            "METADATA": "Name: own\nVersion: 3",
            "entry_points.txt": "[beautyspot]\nown = json",
        }
        return files.get(filename)

    def locate_file(self, path: Any) -> Any:
        """It has no files."""
        return Path("/nowhere", path)


def test_a_finder_with_distributions_of_its_own_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all_in_folders()
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder()])
    assert not all_in_folders()
    registry.forget()
    (own,) = [origin for origin in discovery.scan() if origin.name == "own"]
    assert str(own) == "'own' (own 3)"


def test_a_zip_on_the_path_is_looked_into(path: list[str], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        file.writestr("foo-1.0.dist-info/METADATA", "Name: foo\nVersion: 1.0")
        file.writestr("foo-1.0.dist-info/entry_points.txt", "[beautyspot]\nzipped = json")
    path.append(str(tmp_path / "all.zip"))
    registry.forget()
    assert [origin.name for origin in discovery.scan()] == ["zipped"]


@pytest.mark.parametrize("entry", ["/somewhere/foo-1.0.egg", Path("/somewhere")])
def test_an_egg_and_what_is_no_text_are_the_librarys(path: list[Any], entry: object) -> None:
    assert all_in_folders()
    path.append(entry)
    assert not all_in_folders()


def test_the_library_is_the_one_that_fits_this_python() -> None:
    assert entry_points.library().__name__.startswith("importlib")

"""The scan for installed plug-ins, in folders and zips, with one that can't be read among them."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from beautyspot import plugins
from beautyspot.backends import registry
from beautyspot.backends.discovery import scan

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_traces() -> Iterator[None]:
    registry.forget()
    yield
    registry.forget()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder on the path of Python."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    return folder


def install(folder: Path, name: str, entry_points: bytes) -> None:
    """What pip leaves of a distribution, such as ``Foo-1.0.dist-info``."""
    place = folder / name
    place.mkdir(parents=True)
    title, _, version = name.removesuffix(".dist-info").partition("-")
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {title}\nVersion: {version}\n")
    (place / "entry_points.txt").write_bytes(entry_points)


def found() -> list[str]:
    """The plug-ins that are found beside our own, as messages call them."""
    return [str(origin) for origin in scan() if "(beautyspot-" not in str(origin)]


def test_what_is_installed_in_a_folder_is_found(site: Path) -> None:
    install(site, "Foo-1.0.dist-info", b"[other]\nno = json\n[beautyspot]\nfoo = json\nbar = re\n")
    assert found() == ["'bar' (Foo 1.0)", "'foo' (Foo 1.0)"]
    assert plugins()[0].name == "core"


def test_of_one_name_the_first_on_the_path_is_taken(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "other")])
    install(site, "Foo_Bar-1.0.dist-info", b"[beautyspot]\nfoo = json")
    install(tmp_path / "other", "foo.bar-2.0.dist-info", b"[beautyspot]\nfoo = re")
    assert found() == ["'foo' (Foo_Bar 1.0)"]


def test_one_that_cannot_be_read_is_left_out_alone(
    site: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(site, "Bad-1.0.dist-info", b"[beautyspot]\nbad = \xff")
    install(site, "Foo-1.0.dist-info", b"[beautyspot]\nfoo = json")
    assert found() == ["'foo' (Foo 1.0)"]
    (record,) = caplog.records
    assert record.getMessage().startswith("the entry points of Bad 1.0 can't be read (")


def test_a_zip_on_the_path_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        file.writestr("foo-1.0.dist-info/METADATA", "Name: foo\nVersion: 1.0")
        file.writestr("foo-1.0.dist-info/entry_points.txt", "[beautyspot]\nzipped = json")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "all.zip")])
    assert found() == ["'zipped' (foo 1.0)"]

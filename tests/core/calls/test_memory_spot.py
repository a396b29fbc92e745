"""What the tests of an application take: a Spot in memory, by call, by fixture, by environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from beautyspot.errors import ConfigError
from beautyspot.memory import MemoryMetadataStore, MemoryStorage
from beautyspot.spot import Spot
from beautyspot.testing import memory_spot as make
from beautyspot.testing import memory_spot_fixture  # noqa: F401 - as a plug-in of pytest would


def test_it_caches_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with make() as spot:
        double = spot.mark(lambda x: x * 2)
        assert double(2) == double(2) == 4
        large = spot.mark(save_blob=True)(lambda: b"x" * 10)
        assert large() == large()
        assert spot.stats()["hits"] == 2
        assert len(list(spot.storage.list())) == 1
    assert list(tmp_path.iterdir()) == []


def test_another_one_shares_nothing() -> None:
    with make() as one, make() as other:
        one.cached_run(len, "abc")
        assert one.peek(len, "abc") is not None
        assert other.peek(len, "abc") is None


def test_nothing_outside_changes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beautyspot.toml").write_text('mode = "replay"\n')
    monkeypatch.chdir(tmp_path)
    for name, value in (
        *(("ENABLED", "0"), ("MODE", "replay"), ("TTL", "1"), ("LIMITER", "1/h")),
        *(("METADATA", "sqlite"), ("STORAGE", "local"), ("SERIALIZER", "nobody")),
        *(("KEYGEN", "nobody"), ("STRICT", "0"), ("SAVE", "background"), ("PROFILE", "prod")),
    ):
        monkeypatch.setenv(f"BEAUTYSPOT_{name}", value)
    with make() as spot:
        assert spot.cached_run(len, "abc") == spot.cached_run(len, "abc")
        assert spot.stats()["hits"] == 1
        with pytest.raises(ConfigError, match="no rate"):
            _ = spot.bucket


def test_it_gives_every_setting_that_the_environment_could() -> None:
    place = {"directory", "db_path", "profile"}  # nothing is written there; no file, no profile
    with make() as spot:
        left = [one for one in spot.config if spot.config.source(one) != "argument"]
    assert set(left) <= place


def test_the_fixture(memory_spot: Spot) -> None:
    assert isinstance(memory_spot.metadata, MemoryMetadataStore)
    assert isinstance(memory_spot.storage, MemoryStorage)
    assert memory_spot.config["strict"]


def test_both_are_selected_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEAUTYSPOT_METADATA", "memory")
    monkeypatch.setenv("BEAUTYSPOT_STORAGE", "memory")
    with Spot("app", config=False) as spot:  # as an application's own module makes it
        assert isinstance(spot.metadata, MemoryMetadataStore)
        assert isinstance(spot.storage, MemoryStorage)
        spot.cached_run(len, "abc")
    assert list(tmp_path.iterdir()) == []
    with Spot("app", metadata="memory://", storage="memory://", config=False) as spot:
        assert isinstance(spot.storage, MemoryStorage)


@pytest.mark.slow
def test_pytest_finds_the_fixture_by_its_module_alone(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["beautyspot.testing"]\n')
    (tmp_path / "test_app.py").write_text(
        "def test_it(memory_spot):\n    assert memory_spot.cached_run(len, 'ab') == 2\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", tmp_path],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout

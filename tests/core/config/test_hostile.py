"""Configuration files that an attacker wrote: settings or a clear error; nothing is imported."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from beautyspot import BackendNotFound, BeautyspotError, ConfigError
from beautyspot.messages import LONGEST, MASK, masked
from beautyspot.spot import Spot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")


@pytest.mark.parametrize("name", ["beautyspot.toml", "pyproject.toml"])
def test_a_huge_file_is_not_read(tmp_path: Path, monkeypatch: Any, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(10 * 2**30)  # sparse
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="shorten it, or pass config=False"):
        Spot("app", directory=tmp_path / "cache")
    Spot("app", directory=tmp_path / "cache", config=False).shutdown()


@posix
@pytest.mark.parametrize("name", ["beautyspot.toml", "pyproject.toml"])
@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_what_is_no_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: Any, name: str, kind: str
) -> None:
    if kind == "fifo":
        os.mkfifo(tmp_path / name)
    else:
        (tmp_path / name).symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)
    spot = Spot("app", directory=tmp_path / "cache", metadata="memory")
    assert spot.config.source("ttl") == "default"


@pytest.mark.parametrize("point", ["metadata", "storage", "serializer", "keygen", "limiter"])
@pytest.mark.parametrize("name", ["trap", "trap:Storage", "trap.Storage", "trap://x"])
def test_no_backend_is_imported_by_its_name(
    tmp_path: Path, monkeypatch: Any, point: str, name: str
) -> None:
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "beautyspot.toml"
    for value in (f'"{name}"', f'{{ use = "{name}" }}'):
        path.write_text(f"{point} = {value}\n")
        with pytest.raises((ConfigError, BackendNotFound)):
            Spot("app", directory=tmp_path / "cache", config=path)
    assert "trap" not in sys.modules


VALUES = st.recursive(
    st.one_of(
        st.integers(-(2**70), 2**70),
        st.booleans(),
        st.text(max_size=10),
        st.sampled_from(["local", "s3://b/p", "sqlite:///../x", "600/min", "1h", "none", "gcra"]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
KEYS = st.sampled_from(
    ["ttl", "storage", "limiter", "serializer", "blob_threshold", "profile", "mode", "signing_key"]
)


def toml(value: Any) -> str:
    """A value as TOML, near enough."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(sign):08x}" for sign in value) + '"'
    return str(value).lower()


@settings(deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))
@given(
    text=st.binary(max_size=60)
    | st.dictionaries(KEYS, VALUES, max_size=3).map(
        lambda table: "\n".join(f"{key} = {toml(value)}" for key, value in table.items()).encode()
    )
)
def test_any_file_gives_a_spot_or_an_error_of_ours(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "beautyspot.toml"
    path.write_bytes(text)
    with suppress(BeautyspotError):
        Spot("app", directory=tmp_path / "cache", metadata="memory", config=path).shutdown()
    allowed = {"beautyspot.toml", "cache"}
    assert {found.name for found in tmp_path.iterdir()} <= allowed


def test_texts_are_cut_before_secrets_are_looked_for() -> None:
    """The patterns take quadratic time: a hostile value would hang its own error message."""
    assert masked("key" * 1_000_000) == MASK
    long = "see https://user:secret@host/ " + "x" * 10 + " " + "token=hush " * 1000
    assert "secret" not in masked(long)
    assert "hush" not in masked(long)
    assert masked(long).endswith(" …")
    assert len(masked(long)) <= LONGEST + 2
    half = "x" * (LONGEST - 20) + " https://user:" + "secret" * 10 + "@host"
    assert "secret" not in masked(half)

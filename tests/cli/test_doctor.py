"""The doctor: findings as lines and as JSON, and what the exit status says of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


def test_of_a_sound_store_the_doctor_finds_nothing(shop: Path, run: Run) -> None:
    done = run("doctor")
    assert f"ok       store: {shop / '.beautyspot' / 'shop.db'}\n" in done.stdout
    assert "problems: 0, warnings: 0" in done.stderr
    assert run("doctor", "--quiet").output == ""
    assert "a blob was saved" in run("-s", str(shop), "doctor", "--write").stdout


def test_a_problem_is_said_with_what_to_do_and_by_the_status(shop: Path, run: Run) -> None:
    (shop / "beautyspot.toml").write_text('serializer = "pickle"\n')
    done = run("doctor", "--quiet", status=1)
    assert done.stdout.startswith("problem  serializer pickle: it loads signed results only: set")
    lines = map(json.loads, run("doctor", "--json", status=1).stdout.splitlines())
    found = {line["subject"]: (line["schema"], line["state"]) for line in lines}
    assert found["serializer pickle"] == (1, "problem")
    assert found["keygen stable"] == (1, "ok")


def test_a_place_that_is_no_store_is_bad_input(tmp_path: Path, run: Run) -> None:
    assert "there is no store in" in run("-s", str(tmp_path), "doctor", status=2).stderr


def test_the_store_above_is_examined_where_there_is_none_here(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "below").mkdir()
    monkeypatch.chdir(shop / "below")
    assert f"store: {shop / '.beautyspot' / 'shop.db'}\n" in run("doctor").stdout
    (shop / "below" / "beautyspot.toml").write_text(f'db_path = "{shop}/.beautyspot/shop.db"\n')
    assert f"configuration: from {shop / 'below'}" in run("doctor").stdout


def test_a_folder_that_is_not_made_yet_is_not_called_private(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("doctor", "--write").stdout
    assert "so no write is tried" in done
    assert "blobs is made with the first result" in done
    assert "is private" not in done

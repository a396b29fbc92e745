"""Keys are frozen: the same in every process and on every supported Python, for good."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import beautyspot.keys.generator
import pytest

HERE = Path(__file__).parent / "golden"
GOLDEN = json.loads((HERE / "keys.json").read_text())
SOURCES = Path(beautyspot.keys.generator.__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13")


@pytest.fixture
def key_cases(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import key_cases

    return key_cases


def test_the_keys_are_those_of_the_golden_file(key_cases):
    assert key_cases.keys() == GOLDEN["keys"]


def test_the_texts_are_those_of_the_golden_file(key_cases):
    assert key_cases.texts() == GOLDEN["texts"]


def test_no_two_cases_share_a_key():
    counts = Counter(GOLDEN["keys"].values())
    shared = {name for name, made in GOLDEN["keys"].items() if counts[made] > 1}
    equal = {"path", "path used", "union", "union typing", "union bare", "union class"}
    assert shared == equal | {f"key {name}" for name in equal}  # by design, or in some Python


def test_every_text_is_json():
    for name, text in GOLDEN["texts"].items():
        json.loads(text), name


def run(python, seed):
    env = {"PYTHONPATH": str(SOURCES), "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
    made = subprocess.run(
        [python, "-W", "ignore", str(HERE / "key_cases.py")],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_another_process_agrees(seed):
    # There the classes belong to `__main__`, which is named as the module it would be if imported.
    assert run(sys.executable, seed) == GOLDEN


def interpreter(version):
    """The Python of that version: BEAUTYSPOT_PYTHONS (paths, as in PATH), else what is on PATH."""
    given = os.environ.get("BEAUTYSPOT_PYTHONS", "")
    for python in [*filter(None, given.split(os.pathsep)), shutil.which(f"python{version}")]:
        code = "import sys, pluggy, xxhash; print('%d.%d' % sys.version_info[:2])"
        if python is None:
            continue
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return python
    pytest.skip(f"no Python {version}: name its path in BEAUTYSPOT_PYTHONS")


@pytest.mark.parametrize("version", VERSIONS)
def test_another_python_agrees(version):
    assert run(interpreter(version), "2") == GOLDEN

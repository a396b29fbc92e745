"""Two runs of one program share their keys and results; and nothing is imported that it has not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from workspace.sources import ROOT

LIBRARIES = ("anthropic", "botocore", "httpx", "httpx2", "openai", "requests", "sqlalchemy")

KEYS = """
import json, sys
sys.path.insert(0, "tests")
sys.path.insert(0, "tests/http")
import test_aws_clients, test_clients, test_engines, test_llm_clients, test_responses
from beautyspot import KeyGen
keys = {}
for module in (test_aws_clients, test_clients, test_engines, test_llm_clients, test_responses):
    for name, suite in vars(module).items():
        if name.startswith("Test"):
            types = suite()._types()
            keygen = KeyGen().supporting(types)
            keys[name] = [keygen.input_id((value,), {}) for value in suite().samples()]
print(json.dumps(keys))
"""

MARKING = f"""
import sys, beautyspot as bs
with bs.Spot("app", metadata="memory", config=False) as spot:
    two = spot.mark(lambda number: 2)
    two(len), two([1])
    print(sorted(set({LIBRARIES}) & set(sys.modules)))
"""

RESTORING = """
import sys, beautyspot as bs
with bs.Spot("app", directory=sys.argv[1], config=False, strict=True) as spot:
    @spot.mark
    def fetch(url):
        import httpx
        return httpx.Response(200, text=url)
    before = "httpx" in sys.modules
    print(before, fetch("a").text, "httpx" in sys.modules, spot.stats()["hits"])
"""


def ran(program: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.slow
def test_two_runs_make_the_same_keys() -> None:
    one, two = (json.loads(ran(KEYS, PYTHONHASHSEED=seed)) for seed in ("1", "2"))
    assert one == two
    assert len(one) == 8
    keys = [key for each in one.values() for key in each]
    assert len(keys) == len(set(keys)) > 80


def test_a_mark_imports_no_library_that_the_program_has_not() -> None:
    assert ran(MARKING).strip() == "[]"


def test_a_response_is_restored_before_its_library_is_imported(tmp_path: Path) -> None:
    assert [ran(RESTORING, str(tmp_path)).split() for _ in range(2)] == [
        ["False", "a", "True", "0"],
        ["False", "a", "True", "1"],
    ]

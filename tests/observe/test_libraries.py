"""An observer whose library is missing says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

MISSING = """
import sys
sys.modules[{module!r}] = None  # as if it were not installed
import beautyspot_observe
try:
    beautyspot_observe.{observer}()
except ModuleNotFoundError as error:
    print(error.name, error)
"""


@pytest.mark.parametrize(
    ("observer", "module", "extra"),
    [("StructlogObserver", "structlog", "structlog")],
)
def test_a_missing_library_is_an_error_that_says_what_to_install(
    observer: str, module: str, extra: str
) -> None:
    program = MISSING.format(observer=observer, module=module)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"{module} ")
    assert f"install beautyspot-observe[{extra}] (docs/install.md)" in done.stdout

"""Files that are damaged or no database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]


@pytest.mark.parametrize("data", [b"", b"no database at all" * 100])
def test_a_file_that_is_no_database_is_left_alone(shop: Path, run: Run, data: bytes) -> None:
    (shop / "odd.db").write_bytes(data)
    done = run("ls", "./odd.db", status=0 if not data else 2)
    assert "odd.db" in done.stderr
    assert (shop / "odd.db").read_bytes() == data

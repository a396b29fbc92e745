"""The sweep with checkpoints: killed, it goes on; with another parameter or name it starts over."""

from __future__ import annotations

import re
import subprocess
import sys

import beautyspot as bs
from recipes.data.conftest import Copied

ALL = 8 * 5


def computed(copied: Copied) -> int:
    return sum(line.count("checkpoint") for line in copied.run("sweep.py"))  # of two threads


def stored(copied: Copied) -> int:
    """How many checkpoints are stored, the starts aside."""
    with bs.open_store(copied.folder / ".beautyspot") as store:
        return sum("checkpoint=0" not in (row.arguments or "") for row in store.rows())


def killed(copied: Copied, lines: int) -> None:
    """Run it, and kill it once it has told of so many checkpoints."""
    command = [sys.executable, "-W", "error", "sweep.py"]
    with subprocess.Popen(
        command, cwd=copied.folder, env=copied.environment(), stdout=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        for line in program.stdout:
            lines -= line.count(b"checkpoint")
            if lines <= 0:
                program.kill()
                break
        program.stdout.read()
    assert lines <= 0


def test_a_sweep_that_is_killed_goes_on(copied: Copied) -> None:
    copied.copy("sweep.py")
    killed(copied, 13)
    kept = stored(copied)
    assert kept >= 11, "two were under way"
    assert computed(copied) == ALL - kept
    copied.edit("sweep.py", "CHECKPOINTS = 5", "CHECKPOINTS = 6")
    assert computed(copied) == 8, "of the others nothing"

    copied.edit("sweep.py", "checkpoint: int)", "checkpoint: int, loss: float = 0.0)")
    copied.edit("sweep.py", "mark(version=1)", "mark(version=1, added={'loss': 0.0})")
    text = (copied.folder / "sweep.py").read_text()
    (copied.folder / "sweep.py").write_text(re.sub(r"\brod\b(?=[(,])", "temperatures", text))
    copied.edit("sweep.py", "added=", "renamed_from='sweep:rod', added=")
    assert computed(copied) == 0, "it has another parameter, and another name"

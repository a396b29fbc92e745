"""Tests that replay a recording which is committed: they pass in a clone, and pay nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from recipes.data.conftest import Copied
from workspace.sources import ROOT

PAGE = (ROOT / "docs" / "recipes" / "replay.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```py\n(?=# (\S+)\n)(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
[RECORD] = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
GIT = {
    **dict.fromkeys(("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"), "/dev/null"),
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "me"),
    **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "me@example.com"),
}


def shell(copied: Copied, folder: Path, script: str) -> str:
    """Run it, with this Python as `python` and no plug-in of pytest; gives what it says."""
    python = f'python() {{ "{sys.executable}" "$@"; }}\n'
    options = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    environment = {**copied.environment(), **GIT, **options, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        ["bash", "-ec", python + script],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="it needs bash")
def test_a_clone_replays_what_was_recorded(copied: Copied) -> None:
    mine, clone = copied.folder / "mine", copied.folder / "clone"
    mine.mkdir()
    for name, text in FILES.items():
        (mine / name).write_text(text)
    assert sorted(FILES) == ["conftest.py", "summaries.py", "test_summaries.py", "test_titles.py"]
    assert "2 passed" in shell(copied, mine, f"git init -q\n{RECORD}"), "it pays"
    shell(copied, mine, "git add . && git commit -qm all && git clone -q . ../clone")
    assert sorted(path.name for path in (clone / "recorded").iterdir()) == [
        "summaries.db", "summaries.db.lock",
    ]  # fmt: skip
    said = shell(copied, clone, "python -m pytest -qs; git status --short; echo clean")
    assert "2 passed" in said
    assert "paid" not in said
    assert said.rstrip().endswith("\nclean")
    (clone / "summaries.py").write_text(FILES["summaries.py"].replace("A headline", "A title"))
    said = shell(copied, clone, "python -m pytest -qs || true; git status --short")
    assert "2 failed" in said
    assert "CacheMissError: nothing is stored for this call of summaries:ask" in said
    assert "paid" not in said
    assert "recorded" not in said.splitlines()[-1]

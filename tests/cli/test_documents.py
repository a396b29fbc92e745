"""The JSON documents have the names that the manual says they have."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from workspace.sources import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., Result]

PAGE = (ROOT / "docs" / "inspecting.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| (`\w+`[\w ]*) \| (.*) \|$", PAGE, re.MULTILINE))


def documented(command: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", ROWS[command]))


def names(document: Any) -> set[str]:
    """All names in a document, at whatever depth."""
    if isinstance(document, list):
        return set().union(*map(names, document))
    if not isinstance(document, dict):
        return set()
    return set(document).union(*map(names, document.values()))


RESULT = documented("`ls` of results")
COUNTED = {
    "hits", "runs", "failures", "seconds_saved", "seconds_spent", "money_saved", "money_spent",
    "grants", "waits", "refusals", "seconds_waited",
}  # fmt: skip


@pytest.mark.parametrize(
    ("command", "words", "more"),
    [
        ("`ls`", ["ls"], set()),
        ("`ls` of results", ["ls", "--rows"], set()),
        ("`stats`", ["stats"], COUNTED),
        ("`why`", ["why", "shop:ask"], RESULT),
    ],
)
def test_names_of_documents(
    shop: Path, run: Run, command: str, words: list[str], more: set[str]
) -> None:
    documents = [json.loads(line) for line in run(*words, "--json").stdout.splitlines()]
    assert {document.pop("schema") for document in documents} == {1}
    allowed = documented(command) | more
    assert set(documents[0]) <= allowed
    assert names(documents) <= allowed

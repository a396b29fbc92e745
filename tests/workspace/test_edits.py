"""What takes the defences out changes what it says, and nothing where it can't."""

from __future__ import annotations

import ast

import pytest
from edits import KINDS, without

SOURCE = """
import os

LIMIT = 3

class Store:
    def read(self, name):
        check(name)
        with self._lock, open(name) as file:
            data = file.read()
        if not data or len(data) > LIMIT and is_link(name):
            raise ValueError(name)
        try:
            return self._opened(data)
        except KeyError as exc:
            return None

def read(name):
    return [part for part in name if part]

if os.name == "nt":
    def closed(): return True
else:
    def closed(): return False
"""


def changed(path: str, kind: str, what: str) -> tuple[set[str], set[str]]:
    """The lines that go, and those that come."""
    before = set(ast.unparse(ast.parse(SOURCE)).splitlines())
    after = set(without(SOURCE, path.split("."), kind, what).splitlines())
    return {line.strip() for line in before - after}, {line.strip() for line in after - before}


CHANGES = {
    ("Store.read", "drop", "check"): ({"check(name)"}, {"pass"}),
    ("Store.read", "drop", "ValueError"): ({"raise ValueError(name)"}, {"pass"}),
    ("Store.read", "never", "is_link"): (
        {"if not data or (len(data) > LIMIT and is_link(name)):"},
        {"if not data or (len(data) > LIMIT and False):"},
    ),
    ("Store.read", "always", "not data"): (
        {"if not data or (len(data) > LIMIT and is_link(name)):"},
        {"if True or (len(data) > LIMIT and is_link(name)):"},
    ),
    ("Store.read", "uncaught", "KeyError"): ({"return None"}, {"raise"}),
    ("Store.read", "without", "_lock"): (
        {"with self._lock, open(name) as file:"},
        {"with open(name) as file:"},
    ),
    ("Store.read", "without", "open"): (
        {"with self._lock, open(name) as file:"},
        {"with self._lock:"},
    ),
    ("read", "never", "part"): (
        {"return [part for part in name if part]"},
        {"return [part for part in name if False]"},
    ),
    ("Store.read", "instead", "self._opened(data) => data"): (
        {"return self._opened(data)"},
        {"return data"},
    ),
}


@pytest.mark.parametrize(("asked", "lines"), CHANGES.items(), ids=map(str, CHANGES))
def test_a_change_is_made_in_one_place(
    asked: tuple[str, str, str], lines: tuple[set[str], set[str]]
) -> None:
    assert changed(*asked) == lines


def test_a_function_does_nothing_but_return() -> None:
    assert "def read(self, name):\n        return b''\n" in without(
        SOURCE, ["Store", "read"], "returns", "b''"
    )


def test_every_kind_is_tried() -> None:
    assert {kind for _, kind, _ in CHANGES} | {"returns"} == set(KINDS)


@pytest.mark.parametrize(
    ("path", "kind", "what", "says"),
    [
        (["Store", "write"], "drop", "check", "write is defined 0 times"),
        (["closed"], "returns", "None", "closed is defined 2 times"),
        (["Store", "read"], "drop", "chec", "0 places"),
        (["Store", "read"], "drop", "name", "2 places"),
        (["Store", "read"], "uncaught", "OSError", "0 places"),
    ],
)
def test_what_is_not_there_once_is_refused(
    path: list[str], kind: str, what: str, says: str
) -> None:
    with pytest.raises(LookupError, match=says):
        without(SOURCE, path, kind, what)

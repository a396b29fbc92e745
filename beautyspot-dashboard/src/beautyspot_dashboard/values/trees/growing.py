"""A tree as the lines of a page: no more of them than a page holds, the rest by links."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from beautyspot_dashboard.values.leaves import Leaf, leaf
from beautyspot_dashboard.values.trees.parts import Parts, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

NODES: Final = 2000
"""Nodes of a page."""

FIRST: Final = 200
"""Parts of the value itself on one page; of one without deeper parts `FLAT`."""

FLAT: Final = 1000
_INNER: Final = 50
"""Parts shown of each deeper value."""

_DEEPEST: Final = 30
"""Levels of a page: browsers cut what is nested more than 500 elements deep."""

_OPEN_LEVELS: Final = 2
_OPEN_LINES: Final = 60
_PREVIEW: Final = 70


@dataclass
class Node:
    """A value in a tree.

    Attributes:
        path: leads to it from the whole value.
        label: its key or position.
        depth: how many values it is within.
        parts: what it is made of; None of a leaf.
        leaf: its text, of a leaf.
        shown: those of its parts that are on the page.
        rest: where the first part that is not on the page stands; None: all are.
        is_open: whether it is open at first.
    """

    path: str
    label: str
    depth: int
    parts: Parts | None
    leaf: Leaf | None = None
    shown: list[Node] = field(default_factory=list)
    rest: int | None = None
    is_open: bool = False

    @property
    def preview(self) -> str:
        """The first plain parts of one that is closed."""
        first = [each for each in self.shown[:8] if each.leaf is not None]
        text = ", ".join(map(_short, first)).replace("\n", " ")
        return text if len(text) <= _PREVIEW else f"{text[:_PREVIEW]}…"


def grow(value: Any, path: str, start: int) -> Node:
    """The tree of a value, level by level, until a page is full.

    Args:
        value: what has parts.
        path: leads to it.
        start: its first part on the page.
    """
    root = _node(value, path, "", 0)
    waiting, room = deque([(root, start)]), NODES
    while waiting:
        node, begin = waiting.popleft()
        if node.parts is None:
            continue
        limit = _limit(node, begin)
        found = [
            _node(part.value, node.path + part.step, part.label, node.depth + 1)
            for part in node.parts.some(begin, begin + min(limit, room))
        ]
        node.shown, room = found, room - len(found)
        if begin + len(found) < node.parts.size:
            node.rest = begin + len(found)
        waiting.extend((each, 0) for each in found)
    _open(root)
    return root


def lines(root: Node) -> Iterator[tuple[str, Node]]:
    """What a page shows in turn: ("open", node), ("leaf", node), ("far", node), ("close", node)."""
    waiting = [("", root)]
    while waiting:
        done, node = waiting.pop()
        if done:
            yield done, node
        elif node.parts is None:
            yield "leaf", node
        elif not node.shown and node.parts.size:
            yield "far", node
        else:
            yield "open", node
            waiting.append(("close", node))
            waiting.extend(("", each) for each in reversed(node.shown))


def _node(value: Any, path: str, label: str, depth: int) -> Node:
    parts = parts_of(value)
    return Node(path, label, depth, parts, leaf(value) if parts is None else None)


def _short(node: Node) -> str:
    text = "" if node.leaf is None else node.leaf.text
    return f"{node.label}: {text}" if node.label else text


def _limit(node: Node, begin: int) -> int:
    if node.depth >= _DEEPEST:
        return 0
    if node.depth:
        return _INNER
    assert node.parts is not None  # noqa: S101 - `grow` asks of no other
    flat = all(parts_of(part.value) is None for part in node.parts.some(begin, begin + FLAT))
    return FLAT if flat else FIRST


def _open(root: Node) -> None:
    """Open what is small, in turn, as long as all of it fits on a screen."""
    root.is_open = True
    size, waiting = len(root.shown), deque(root.shown)
    while waiting and size <= _OPEN_LINES:
        node = waiting.popleft()
        if node.shown and node.depth <= _OPEN_LEVELS and size + len(node.shown) <= _OPEN_LINES:
            node.is_open = True
            size += len(node.shown)
            waiting.extend(node.shown)

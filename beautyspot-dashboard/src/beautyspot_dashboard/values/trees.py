"""A value that has parts, as a tree that opens; and one that has none, as what it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from beautyspot_dashboard.values import tables
from beautyspot_dashboard.values.parts import Leaf, Parts, leaf, parts_of
from beautyspot_dashboard.values.places import link_to
from beautyspot_dashboard.values.views import View, begin_of, page_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot_dashboard.values.places import Place

NODES: Final = 4000
"""Nodes of a page."""

FIRST: Final = 500
"""Parts of the value itself on one page."""

_INNER: Final = 50
"""Parts shown of each deeper value."""

_DEEPER: Final = 0.8
"""How much of its room a value has for what is within its parts, so that no page is very deep."""

_OPEN: Final = 60
"""Lines of what is open at first: a screen."""

_PREVIEW: Final = 70
_LONGEST: Final = 2000


@dataclass
class Node:
    """A value in a tree.

    Attributes:
        label: its key or position.
        link: the URL of its own page.
        leaf: its text, of one that has no parts.
        name: what it is, of one that has.
        shown: those of its parts that are on the page.
        more: how many are not.
        is_open: whether it is open at first.
    """

    label: str
    link: str
    leaf: Leaf | None = None
    name: str = ""
    shown: list[Node] = field(default_factory=list)
    more: int = 0
    is_open: bool = False

    @property
    def preview(self) -> str:
        """The first plain parts of one that is closed."""
        texts = [
            f"{each.label}: {each.leaf.text}" if each.label else each.leaf.text
            for each in self.shown[:8]
            if each.leaf is not None
        ]
        return ", ".join(texts).replace("\n", " ")[:_PREVIEW]


def view(place: Place) -> View:
    """The tree; of a value that has no parts its text."""
    value, look = place.value, place.look
    parts = parts_of(value)
    if parts is None:
        shown = leaf(value, _LONGEST)
        name = type(value).__name__
        name = {"NoneType": "None", "Written": "number"}.get(name, name)
        told = {"text": shown.text, "type": shown.type, "crumbs": place.crumbs, "links": []}
        return View("figure.html", name, told)
    table = [look.way("As a table", "table")] if tables.names_of(value) else []
    source = [look.way("As text", "text")] if place.is_stored else []
    context = {
        "nodes": _grown(place, parts, place.path, begin_of(look, FIRST), NODES, _OPEN),
        "page": page_of(look, FIRST, parts.size),
        "crumbs": place.crumbs,
        "links": [*table, *source],
    }
    return View("tree.html", parts.name, context)


def _grown(
    place: Place, parts: Parts, path: Sequence[int], start: int, room: int, lines: int
) -> list[Node]:
    """The parts of a value for which there is room, which those within them share.

    Args:
        place: what the page shows.
        parts: of the value.
        path: leads to it.
        start: its first part on the page.
        room: for how many nodes there is room.
        lines: how many of them may be open at first.
    """
    most = min(room, FIRST if len(path) == len(place.path) else _INNER)
    entries = list(islice(parts.entries, start, start + most))
    among = max(1, len(entries))
    within = int((room - among) * _DEEPER) // among
    nodes = []
    for number, (label, value) in enumerate(entries, start):
        inner, deeper = parts_of(value), [*path, number]
        node = Node(label, link_to(place.look, deeper))
        if inner is None:
            node.leaf = leaf(value)
        else:
            left = max(0, lines - among) // among
            node.name = inner.name
            node.shown = _grown(place, inner, deeper, 0, within, left)
            node.more = inner.size - len(node.shown)
            node.is_open = len(node.shown) <= left
        nodes.append(node)
    return nodes

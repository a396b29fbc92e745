"""`Place`: which part of a decoded value a page shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beautyspot_dashboard.rendering.links import with_query
from beautyspot_dashboard.rendering.rows import plain_serializer
from beautyspot_dashboard.values.trees.parts import part_at, steps_of

if TYPE_CHECKING:
    from beautyspot_dashboard.values.views import Look

_OF_A_PAGE = ("from", "line", "row", "column", "byte", "as")
"""What tells a page within one part of a value, and means nothing in another."""


@dataclass(frozen=True)
class Place:
    """Which part of a decoded value a page shows.

    Attributes:
        look: the result.
        path: leads to the part; ``$`` is the whole value.
        value: the part; of a generator as a whole its items.
        returned: what the generator returned at its end, as the only item, if it is one.
    """

    look: Look
    path: str
    value: Any
    returned: tuple[Any, ...] = ()

    def link(self, path: str, start: int = 0) -> str:
        """The URL of another part of the same value."""
        changes: dict[str, object] = {
            **dict.fromkeys(_OF_A_PAGE),
            "at": None if path == "$" else path,
            "from": start or None,
        }
        return with_query(self.look.request, **changes)

    @property
    def crumbs(self) -> list[tuple[str, str]]:
        """The values around the part, from the whole one on, each with its URL."""
        if self.path == "$":
            return []
        steps = steps_of(self.path)
        shown = steps if len(steps) <= 12 else [*steps[:4], *steps[-6:]]
        return [("$", self.link("$")), *((text, self.link(path)) for text, path in shown)]


def place_of(look: Look, value: Any) -> Place:
    """The place that the query names.

    Raises:
        LookupError: the value has no such part.
    """
    path = look.request.query_params.get("at", "$")
    part = part_at(value, path)
    if path == "$" and _is_stream(look) and isinstance(part, list) and part:
        return Place(look, path, part[:-1], (part[-1],))
    return Place(look, path, part)


def _is_stream(look: Look) -> bool:
    return plain_serializer(look.record).startswith("stream:")

"""Which view shows a value: the registry of all kinds.

Each kind is a module with a function that makes a `View` of a result, or None where it is no value
of that kind. The first that makes one shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beautyspot import Content, Store, TaskRecord
    from starlette.requests import Request


@dataclass(frozen=True)
class Look:
    """One result that is to be shown.

    Attributes:
        request: the request of the page, for links and for which part of a value is wanted.
        store: where it is.
        record: its row, without data.
        content: its raw bytes, to be read in parts.
    """

    request: Request
    store: Store
    record: TaskRecord
    content: Content

    def value(self) -> Any:
        """The decoded value. It passes through memory: ask for no large one."""
        return self.store.value(self.record.cache_key)


@dataclass(frozen=True)
class View:
    """How a value is shown: by a template below ``templates/values/``.

    Attributes:
        template: the name of its file, such as "image.html".
        kind: what it is, for people: "picture (PNG)".
        context: what the template shows, as `view` there.
    """

    template: str
    kind: str
    context: dict[str, Any] = field(default_factory=dict)


def shown(request: Request, store: Store, record: TaskRecord) -> View:
    """The view of a result."""
    look = Look(request, store, record, store.content(record.cache_key))
    return View("plain.html", look.content.content_type, {"text": repr(look.value())})

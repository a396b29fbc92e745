"""Classes of another process's ``__main__``, which were sent to this one by their code.

cloudpickle (joblib has a copy of its own) sends such a class with a number, by which it knows the
class when it arrives again. The number is the same in the sender. So the sender says to which
classes its names lead, by their numbers; a class alone does not tell: another one, that a function
made, may have the same name.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    Sent = tuple[str, dict[str, str]]

_PICKLERS: Final = ("cloudpickle.cloudpickle", "joblib.externals.cloudpickle.cloudpickle")

_known: Final[dict[str, str]] = {}  # number -> identifier
_mains: Final[set[str]] = set()


def sent(main: str, classes: dict[str, type]) -> Sent:
    """What to hand to `take` in another process.

    Args:
        main: the name of this process's `__main__`.
        classes: the classes in it to which their names lead, by identifier.
    """
    source = "_get_or_create_tracker_id"
    return main, {
        number: name for name, cls in classes.items() for number in _numbers_of(cls, source)
    }


def take(came: Sent) -> None:
    """Know these classes, whenever they arrive."""
    main, classes = came
    if main:
        _mains.add(main)
        _known.update(classes)


def identifier(cls: Any) -> str | None:
    """The identifier that a class has in the process that it was sent from; None if not known."""
    for number in _numbers_of(cls, "_DYNAMIC_CLASS_TRACKER_BY_CLASS") if _known else ():
        if number in _known:
            return _known[number]
    return None


def main() -> str | None:
    """The name of the senders' `__main__`, where all of them have one."""
    return next(iter(_mains)) if len(_mains) == 1 else None


def _numbers_of(cls: Any, source: str) -> Iterator[str]:
    for name in _PICKLERS:
        found: Any = getattr(sys.modules.get(name), source, None)
        number = None if found is None else getattr(found, "get", found)(cls)
        if isinstance(number, str):
            yield number

"""Objects that can't be told by what they hold: refused, with what to pass in their place.

A generator of random numbers is another one after each use, which a hit leaves out. What asks a
database when it is read counts by its question, so that a row which was added since would not be
seen. A lazy proxy says that it is of the class of what it stands for, and may be anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import ProxyTypes

from beautyspot.keys.canonical.walk import ADVICE

if TYPE_CHECKING:
    from beautyspot.keys.canonical.walk import Form, Walk


def poses(kind: type) -> bool:
    """Whether its instances may say that they are of another class."""
    return any(kind is proxy for proxy in ProxyTypes) or any(
        "__class__" in vars(base) for base in kind.__mro__ if base is not object
    )


def posing(walk: Walk, value: object) -> str:
    """The form of what poses as another class: refuses. Nothing of its own runs."""
    walk.refuse(value, "stands for another object", f"pass that object itself, {ADVICE}")


def _refused(why: str, advice: str) -> Form:
    def refuse(walk: Walk, value: object) -> str:
        walk.refuse(value, why, advice)

    return refuse


_ROWS: Final = _refused(
    "asks the database whenever it is read, so that the rows do not count",
    "pass what it finds, such as list(….values()), or the primary keys of the rows; or, if it "
    "counts by its question alone, str(….query)",
)

FAMILIES: Final[dict[str, Form]] = {
    "random:Random": _refused(
        "is another one after each use", "pass a seed, and make it of that inside"
    ),
    "django.db.models.manager:BaseManager": _ROWS,
    "django.db.models.query:QuerySet": _ROWS,
    "django.db.models.query:RawQuerySet": _ROWS,
    "django.utils.functional:Promise": _refused(
        "is a text that is made when it is used, in the language of that moment",
        "pass str(…) of it",
    ),
}

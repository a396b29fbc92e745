"""What supports ask of stored values, which anyone may have written, and of objects."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import RestoreError, SerializationError, UnstableKeyError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import NoReturn

Pairs = list[tuple[str, str]]

SAY: Final = (
    "leave it out with mark(ignore=...), or say with mark(key=...) what counts of it, such as the "
    "name of its user"
)
"""What to do about a client that is refused."""


def refuse(why: str) -> NoReturn:
    """Refuse an argument. `why` goes on the sentence "it is a ..., which".

    Raises:
        UnstableKeyError: always.
    """
    raise UnstableKeyError(why)


def refuse_to_store(why: str) -> NoReturn:
    """Refuse a result. `why` goes on the sentence "a Response".

    Raises:
        SerializationError: always.
    """
    raise SerializationError(why)


def check_known(value: object, known: Collection[str], library: str) -> None:
    """Refuse an object with attributes that may change what it does.

    Raises:
        UnstableKeyError: it has an attribute that is not among `known`.
    """
    for name in list(vars(value)):  # another thread may add one
        if name not in known:
            unknown(name, library)


def cookies(jar: Any) -> list[Any]:
    """What is in a jar of cookies, to which another thread may add."""
    with jar._cookies_lock:
        return list(jar)


def unknown(name: str, library: str) -> NoReturn:
    """Refuse an object for an attribute.

    Raises:
        UnstableKeyError: always.
    """
    refuse(
        f"has something in {name} that beautyspot-http does not know: a part that was replaced, or "
        f"of another release of {library}: {SAY}"
    )


def field(form: Any, name: str, *kinds: type) -> Any:
    """A field of a stored form.

    Raises:
        RestoreError: it is missing, or of none of these types.
    """
    value = form.get(name) if type(form) is dict else None
    if type(value) not in kinds:
        raise RestoreError(f"{name} is a {type(value).__name__}")
    return value


def pairs(form: Any, name: str) -> Pairs:
    """A field that is a list of pairs of texts.

    Raises:
        RestoreError: it is something else.
    """
    found: list[Any] = [
        tuple(each) if type(each) is list else () for each in field(form, name, list)
    ]
    if any(len(each) != 2 or {*map(type, each)} != {str} for each in found):
        raise RestoreError(f"{name} are no pairs of texts")
    return found


def elapsed(form: Any) -> timedelta | None:
    """The field `elapsed`.

    Raises:
        RestoreError: it is no duration.
    """
    value: timedelta | None = field(form, "elapsed", timedelta, type(None))
    return value


def history(form: Any, cls: type) -> list[Any]:
    """The field `history`: responses of one class.

    Raises:
        RestoreError: one is something else.
    """
    found: list[Any] = field(form, "history", list)
    if any(type(each) is not cls for each in found):
        raise RestoreError("history has something that is no response")
    return found


def request_of(form: Any) -> tuple[str, str] | None:
    """The field `request`: method and URL.

    Raises:
        RestoreError: it is something else.
    """
    found = field(form, "request", list, type(None))
    if found is None:
        return None
    if [type(each) for each in found] != [str, str]:
        raise RestoreError("request is no method with a URL")
    return found[0], found[1]


def check_plain(value: object, ordinary: Mapping[str, object]) -> None:
    """Refuse to store an object to which attributes were added.

    Raises:
        SerializationError: it has a public attribute that is not among the `ordinary` ones.
    """
    for name in vars(value):
        if name not in ordinary and not name.startswith("_"):
            refuse_to_store(f"has the attribute {name}, which its class has not: remove it")

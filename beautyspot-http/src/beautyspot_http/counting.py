"""What counts of the headers, parameters and addresses of a client, and what is refused of it.

Values count by their digests: one that is a secret against its name is in no key's text.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from beautyspot.errors import UnstableKeyError

from beautyspot_http.secrecy import is_secret_header, is_secret_parameter, less_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

SAY: Final = (
    "leave it out with mark(ignore=...), or say with mark(key=...) what counts of it, such as the "
    "name of its user"
)
"""What to do about a client that is refused."""

# What libraries send of themselves. It changes with their releases, and no answer with it.
_ORDINARY: Final = {
    "accept": r"\*/\*",
    "accept-encoding": r"(?:(?:gzip|deflate|br|zstd)(?:, ?|$))*",
    "connection": "keep-alive",
    "user-agent": r"python-(?:httpx2?|requests)/\S+",
}

_PLAIN: Final = frozenset({str, bytes, int, float, bool, type(None)})


def refuse(why: str) -> NoReturn:
    """Refuse an argument. `why` goes on the sentence "it is a ..., which".

    Raises:
        UnstableKeyError: always.
    """
    raise UnstableKeyError(why)


def check_methods(value: object, path: str = "") -> None:
    """Refuse an object of which a method was replaced.

    Raises:
        UnstableKeyError: it is so; says which, behind the `path` that leads to the object.
    """
    for name in list(vars(value)):  # another thread may add one
        if callable(getattr(type(value), name, None)):
            replaced(f"{path}{name}")


def replaced(path: str) -> NoReturn:
    """Refuse an object of which a part was replaced.

    Raises:
        UnstableKeyError: always.
    """
    refuse(
        f"has something in {path} that is not the library's, as of a test or another library: {SAY}"
    )


def cookies(jar: Any) -> list[Any]:
    """What is in a jar of cookies, to which another thread may add."""
    with jar._cookies_lock:
        return list(jar)


def digest(value: object) -> str:
    """The digest of a plain value and its type.

    Raises:
        UnstableKeyError: it is another value.
    """
    if type(value) not in _PLAIN:
        refuse(f"has a {type(value).__name__} among its parameters: {SAY}")
    return sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()


def counted_headers(
    items: Iterable[tuple[str, str | None]], own: frozenset[str] = frozenset()
) -> list[list[str]]:
    """The headers that a client sends with each request, less those that its library adds.

    Args:
        items: names and values; None for one that is not sent.
        own: names, in lower case, that do not count: those by which an API's client signs in.

    Raises:
        UnstableKeyError: one of the others is a credential.
    """
    found = []
    for name, value in items:
        lower = name.lower()
        if lower in own or re.fullmatch(_ORDINARY.get(lower, r"(?!)"), value or "-"):
            continue
        if value is not None and is_secret_header(lower):
            refuse(f"sends the header {name}, so another user's answers may differ: {SAY}")
        found.append([lower, digest(value)])
    return sorted(found)


def counted_parameters(
    items: Iterable[tuple[str, object]], own: Callable[[str], bool] = lambda _: False
) -> list[list[str]]:
    """The parameters that a client adds to each URL.

    Raises:
        UnstableKeyError: one is a credential, and not the client's `own`.
    """
    found = []
    for name, value in items:
        if own(name):
            continue
        if is_secret_parameter(name):
            refuse(f"adds the parameter {name}, so another user's answers may differ: {SAY}")
        values = value if isinstance(value, list | tuple) else [value]
        found += [[name, digest(each)] for each in values]
    return found


def counted_url(url: Any) -> str:
    """An address.

    Raises:
        UnstableKeyError: there are credentials in it.
    """
    text = str(url)
    if less_secrets(text) != text:
        refuse(f"has credentials in an address, so another user's answers may differ: {SAY}")
    return text


def without_defaults(**counted: object) -> dict[str, object]:
    """What counts and is not what it is by default, which is None, False or empty."""
    return {name: value for name, value in counted.items() if value}

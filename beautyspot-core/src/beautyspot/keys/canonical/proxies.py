"""Objects that stand for another one: lazy proxies.

Such an object says that it is of the class of what it stands for, so it must not be mistaken for
that, nor for an object of no content. Those of well-known libraries count by their own class and by
what they stand for, which is made now if they make it late. What else is in one can't be seen, so
subclasses are refused, and all others that hide what they hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import ProxyTypes

from beautyspot.functions.names import root_of
from beautyspot.keys.canonical.text import quote, tag
from beautyspot.keys.canonical.walk import Without

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.keys.canonical.walk import Form, Walk

WHY: Final = "stands for another object: pass that object itself, or else"


def _wrapped(value: Any) -> object:
    return value.__wrapped__


def _current(value: Any) -> object:
    return value._get_current_object()


def _of_django(value: Any) -> object:
    value.__class__  # noqa: B018 - makes the object, if nothing has yet
    return object.__getattribute__(value, "_wrapped")


_TARGETS: Final[dict[str, Callable[[Any], object]]] = {
    "_wrappers:CallableObjectProxy": _wrapped,  # of wrapt, as those below
    "_wrappers:ObjectProxy": _wrapped,
    "wrapt:AutoObjectProxy": _wrapped,
    "wrapt:BaseObjectProxy": _wrapped,
    "wrapt:CallableObjectProxy": _wrapped,
    "wrapt:LazyObjectProxy": _wrapped,
    "wrapt:ObjectProxy": _wrapped,
    "builtins:Proxy": _wrapped,  # of lazy-object-proxy, which names no module for it
    "lazy_object_proxy:Proxy": _wrapped,
    "werkzeug:LocalProxy": _current,
    "celery:Proxy": _current,
    "celery:PromiseProxy": _current,
    "django:SimpleLazyObject": _of_django,
}
"""Top-level module and name of a class -> what finds the object for which an instance stands."""


def proxy_form(kind: type) -> Form | None:
    """The form of a class whose instances stand for another object, None of any other class."""
    target = _TARGETS.get(_name(kind))
    if target is not None and poses(kind):
        return lambda walk, value: _proxy(walk, value, target)
    if any(_name(base) == "django:Promise" for base in kind.__mro__):
        return _promise
    return None


def poses(kind: type) -> bool:
    """Whether its instances may say that they are of another class."""
    return any(kind is proxy for proxy in ProxyTypes) or any(
        "__class__" in vars(base) for base in kind.__mro__ if base is not object
    )


def posing(walk: Walk, value: object) -> str:
    """The form of what stands for another object and hides it: refuses."""
    walk.refuse(value, WHY)


def _proxy(walk: Walk, value: object, target: Callable[[Any], object]) -> str:
    found, paths = target(value), walk.less(value)
    text = walk.at("", "", Without(found, paths) if paths else found)
    return tag("proxy", f"[{quote(_name(type(value)))},{text}]")


def _promise(walk: Walk, value: object) -> str:
    walk.refuse(value, "is a text that is made when it is used: pass str(...) of it, or else")


def _name(kind: type) -> str:
    return f"{root_of(kind.__module__)}:{kind.__name__}"

"""The types that plug-ins support: checks of their names, and the support of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from beautyspot.backends.discovery import VARIABLE
from beautyspot.contracts import TypeSupport
from beautyspot.errors import PluginConflictError, PluginError
from beautyspot.keys.canonical.resolve import has_own_form
from beautyspot.logs import warn_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot.backends.discovery import Loaded, Origin


def check_classes(support: type[TypeSupport], where: str) -> None:
    """Check the names of a support's classes.

    Raises:
        PluginError: there are none, one is not a class's name, or beautyspot stores the class.
    """
    names = support.classes
    if not isinstance(names, tuple) or not names or not all(map(_is_class_name, names)):
        raise PluginError(
            f'{where} has classes = {names!r:.80}: write a tuple, such as ("httpx:Response",)'
        )
    for name in names:
        if has_own_form(name.partition(":")[0]):
            raise PluginError(
                f"{where} claims {name}, and beautyspot itself has forms for that module: leave it "
                "out of classes"
            )


def _is_class_name(name: object) -> bool:
    """Whether it is ``module:qualified name``, of identifiers alone."""
    if not isinstance(name, str):
        return False
    module, colon, qualified = name.partition(":")
    parts = [*module.split("."), *qualified.split(".")]
    return bool(colon) and all(part.isidentifier() for part in parts)


def merged(layers: Iterable[Iterable[Loaded]]) -> dict[str, TypeSupport]:
    """The support of each class, by the class's name; a later layer wins over an earlier one."""
    found: dict[str, TypeSupport] = {}
    for layer in layers:
        claimants: dict[str, list[tuple[Origin, TypeSupport]]] = {}
        for origin, support in _made(layer):
            for name in support.classes:
                claimants.setdefault(name, []).append((origin, support))
        for name, each in claimants.items():
            found[name] = each[0][1] if len(each) == 1 else _Contested(name, each)
    return found


def _made(layer: Iterable[Loaded]) -> Iterator[tuple[Origin, TypeSupport]]:
    for plugin, cls in [(each, cls) for each in layer for cls in each.classes("types")]:
        try:
            support: Any = cls()
        except Exception as error:  # one that is broken stops no other
            where = f"{cls.__module__}.{cls.__qualname__}"
            warn_once(
                f"the plug-in {plugin.origin}: making {where} raised {error!r}: it is left out"
            )
        else:
            yield plugin.origin, support


class _Contested(TypeSupport):
    """Stands for several supports of one class: its values have no key and no stored form."""

    name = "contested"

    def __init__(self, class_name: str, claimants: list[tuple[Origin, TypeSupport]]) -> None:
        self.subclasses = any(support.subclasses for _, support in claimants)  # type: ignore[misc] # here of the instance
        who = " and ".join(f"{type(support).__qualname__} of {by}" for by, support in claimants)
        self._message = (
            f"{class_name} is supported by {who}: uninstall one, or leave one out by {VARIABLE}, "
            f"such as {VARIABLE}=-{claimants[-1][0].name}"
        )

    def key(self, value: Any) -> NoReturn:
        raise PluginConflictError(self._message)

    encode = decode = key

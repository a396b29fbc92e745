"""What counts with `version="auto"`: the code of a function, and that which comes as arguments."""

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.types import OF_DATA
from beautyspot.errors import UnstableKeyError
from beautyspot.functions.by_identity import ByIdentity
from beautyspot.functions.code.auto_version import followed, version_auto
from beautyspot.functions.code.contents import definitions_in, fields_of
from beautyspot.functions.code.forms import digest_of
from beautyspot.functions.code.references import class_of
from beautyspot.functions.names import (
    is_of_no_file,
    is_without_file,
    namespace_of,
    python_function,
    root_of,
)
from beautyspot.keys.canonical.resolve import has_own_form
from beautyspot.keys.canonical.walk import Without

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from beautyspot.contracts import KeyGenBase
    from beautyspot.functions.code.auto_version import Record

_NOTHING: Final = digest_of([])  # of other people's code


class FollowedCode:
    """Follows the code of one function and of its arguments.

    Args:
        function: the function.
        keygen: gives the text of what the code reads, as of an argument.
        ignore: captured variables, and globals of its module, that do not count.

    Attributes:
        records: what the version is made of, as it was when `version` was called last.
    """

    def __init__(self, function: Any, keygen: KeyGenBase, ignore: Collection[str]) -> None:
        self._function = function
        self._keygen = keygen
        self._ignore = ignore
        self.records: set[Record] = set()
        # At a prompt, what a table holds is defined anew between two calls.
        self._first: dict[str, list[Any]] | None = None if is_without_file(function) else {}
        self._project = root_of(namespace_of(function).get("__name__"))
        inner = python_function(function)
        # Of this class the function's own version follows what it calls on `self`.
        self._owner = None if inner is None else class_of(inner)
        self._known: ByIdentity[str] = ByIdentity()

    def version(self) -> str:
        """The version of the function: 32 hex digits."""
        self.records = self._followed()
        return digest_of(sorted(self.records))

    def changed(self, before: set[Record]) -> set[tuple[str, str]]:
        """What is another thing by now than in these `records`: where it was found, and its name.

        Of what is there now or before alone, how one came to it.
        """
        now = self._followed()
        known = {owner for owner, *_ in now} & {owner for owner, *_ in before}
        differing = {(owner, label) for owner, label, _ in now ^ before}
        return {each for each in differing if each[0] in known and each[1]} or differing

    def _followed(self) -> set[Record]:
        return followed(
            self._function,
            self._content,
            project=self._project,
            ignore=self._ignore,
            first=self._first,
        )

    def of(self, values: Iterable[object]) -> str:
        """A digest of the code of what is in `values`; "" where there is none."""
        versions = {self._version(item) for item in _definitions(values, self._owner)} - {_NOTHING}
        return digest_of(sorted(versions)) if versions else ""

    def _version(self, definition: Any) -> str:
        owner: Any = definition
        if isinstance(definition, FunctionType):
            held = definition.__closure__, definition.__defaults__, definition.__kwdefaults__
            owner = definition if any(held) else definition.__code__  # a lambda is made anew
        known = self._known.get(owner)
        if known is not None:
            return known
        version = version_auto(definition, self._content, project=self._project, passed=True)
        return version if is_of_no_file(definition) else self._known.put(owner, version)

    def _content(self, value: object) -> str:
        modules = [base.__module__ for base in type(value).__mro__[:-1]]
        if any(has_own_form(module) or root_of(module) in OF_DATA for module in modules):
            return self._keygen.canonical(value)
        raise UnstableKeyError(f"{type(value)} is a class of others, and may be anything")


def _definitions(values: Iterable[object], owner: object) -> Iterator[Any]:
    """The functions in `values`, and the classes there and of what is there.

    Args:
        values: the arguments of a call.
        owner: the class of the method that is called, which does not count as the class of `self`.
    """
    first, *others = [*values] or [None]
    receiver = first.value if type(first) is Without else first
    if receiver is owner:
        return definitions_in(others)
    if type(receiver) is not owner:
        return definitions_in([first, *others])
    held = [item for _, item in fields_of(receiver)]
    return definitions_in([*held, *others], receiver=receiver)

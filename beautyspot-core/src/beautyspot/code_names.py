"""The names that a function's code refers to, and what they stand for.

Read from the bytecode, whose instructions tell a local variable from a global one: a name such as
``helpers.clean`` is one instruction that loads `helpers` and one that takes its attribute. Names
are resolved without running anything: no descriptor, no `__getattr__`, no import.
"""

from __future__ import annotations

import dis
import importlib.util
import sys
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.code_form import UNKNOWN, follow
from beautyspot.naming import look_up, namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME: Final = "name"
FIRST: Final = "first argument"
IMPORT: Final = "import"

_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_INLINE: Final = frozenset({"CACHE", "PUSH_NULL"})  # stand between a name and its attribute


class Reference(NamedTuple):
    """A dotted name in a code object, and where it starts: a global or captured name, the first
    argument (`self`, which is left out of the names), or a module that the function imports.
    """

    start: str
    names: tuple[str, ...]


class Found(NamedTuple):
    """What a reference stands for: the first thing along its names that is not a module."""

    label: str
    value: object
    namespace: Mapping[str, Any]  # of the module that it was found in


def references_of(code: CodeType, package: str) -> set[Reference]:
    """The references in `code` and in the functions nested in it.

    Args:
        code: the code.
        package: the package in which its relative imports start.
    """
    reader = _Reader(package)
    first = code.co_varnames[0] if code.co_argcount else None
    if first is not None:
        reader.locals[first] = Reference(FIRST, ())
    todo = [code]
    while todo:
        code = todo.pop()
        reader.read(code)
        todo += [const for const in code.co_consts if isinstance(const, CodeType)]
    return reader.found


def resolve(function: FunctionType) -> Iterator[Found]:
    """What the references of a function stand for; those that can't be told are passed over."""
    namespace = function.__globals__
    cells = _contents(function)
    package = str(namespace.get("__package__") or "")
    for start, names in sorted(references_of(function.__code__, package)):
        if start == FIRST:
            owner: object = _class_of(function)
        elif start == IMPORT:
            owner = sys.modules.get(names[0], UNKNOWN)
        else:
            owner = cells.get(names[0], namespace.get(names[0], UNKNOWN))
        path = names if start == FIRST else names[1:]
        home = {} if names[0] in cells else namespace
        found = _walk(owner, path, home, attribute=start == FIRST)
        if found is not None:
            yield Found(".".join(names), *found)


class _Reader:
    """Reads code objects; what one imports or gets as `self`, those nested in it can use."""

    def __init__(self, package: str) -> None:
        self.found: set[Reference] = set()
        self.locals: dict[str, Reference] = {}
        self._package = package
        self._last: Reference | None = None  # what the last instruction left on the stack
        self._module: Reference | None = None  # what the last import did

    def read(self, code: CodeType) -> None:
        """Add the references of one code object."""
        instructions = list(dis.get_instructions(code))
        for number, instruction in enumerate(instructions):
            if instruction.opname == "IMPORT_NAME":
                level = instructions[number - 2].argval
                self._imported(instruction.argval, level if isinstance(level, int) else 0)
            else:
                self._read(instruction.opname, instruction.argval)
        self._keep(None)
        if "__class__" in code.co_freevars:  # `super()`, which leaves no name in the code
            self.found.add(Reference(NAME, ("__class__",)))

    def _read(self, operation: str, argument: Any) -> None:
        # Two instructions may be one, with a pair of names: the first stored, the last loaded.
        name = argument[-1] if isinstance(argument, tuple) else argument
        if operation in _ATTRIBUTES:
            if self._last is not None:
                self._last = self._last._replace(names=(*self._last.names, name))
        elif operation == "IMPORT_FROM":
            module = self._module
            self._keep(None if module is None else module._replace(names=(*module.names, name)))
        elif operation.startswith("STORE_"):
            self._stored(argument[0] if isinstance(argument, tuple) else argument)
            self._keep(self.locals.get(name) if "LOAD" in operation else None)
        elif "LOAD_FAST" in operation or "DEREF" in operation:
            local = self.locals.get(name)
            self._keep(local or (Reference(NAME, (name,)) if "LOAD_DEREF" in operation else None))
        elif operation in {"LOAD_GLOBAL", "LOAD_NAME"} or "_OR_GLOBALS" in operation:
            self._keep(Reference(NAME, (name,)))
        elif operation not in _INLINE:
            self._keep(None)

    def _stored(self, name: str) -> None:
        if self._last is not None and self._last.start == IMPORT:
            self.locals[name] = self._last

    def _imported(self, name: str, level: int) -> None:
        self._keep(None)
        try:
            absolute = importlib.util.resolve_name("." * level + name, self._package)
        except ImportError:
            absolute = name
        self._module = Reference(IMPORT, (absolute,))
        self._last = Reference(IMPORT, (absolute.partition(".")[0],))

    def _keep(self, following: Reference | None) -> None:
        """File what was on the stack, now that it has all its attributes."""
        if self._last is not None and (self._last.names or self._last.start != FIRST):
            self.found.add(self._last)
        self._last = following


def _walk(
    value: object, names: tuple[str, ...], namespace: Mapping[str, Any], *, attribute: bool
) -> tuple[object, Mapping[str, Any]] | None:
    """From module to module along the names; one step further from a class (`self.name`)."""
    for number, name in enumerate(names):
        if isinstance(value, ModuleType):
            namespace = vars(value)
        elif not (attribute and number == 0):
            break
        else:
            namespace = {}  # an attribute of a class is no global
        value = follow(value, [name])
    return None if value is UNKNOWN or isinstance(value, ModuleType) else (value, namespace)


def _class_of(function: FunctionType) -> object:
    """The class in whose body a function stands; UNKNOWN where there is none."""
    owner, _, _ = function.__qualname__.rpartition(".")
    found = look_up(owner, namespace_of(function)) if owner else None
    return found if isinstance(found, type) else UNKNOWN


def _contents(function: FunctionType) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # assigned later than now
            continue
    return found

"""The names that a function's code refers to, and what they stand for.

Read from the bytecode, whose instructions tell a local variable from a global one: a name such as
``helpers.clean`` is one instruction that loads `helpers` and one that takes its attribute. Names
are resolved without running any descriptor or `__getattr__`.
"""

from __future__ import annotations

import dis
import importlib.util
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.functions.code.normal_form import UNKNOWN, follow
from beautyspot.functions.code.source import with_nested
from beautyspot.functions.names import captured, look_up, namespace_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import CodeType

    Load = Callable[[str], object]

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

    label: str  # the names up to it
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
    for nested in with_nested(code):
        reader.read(nested)
    return reader.found


def resolve(function: FunctionType, load: Load) -> Iterator[Found]:
    """What the references of a function stand for; those that can't be resolved are left out.

    Args:
        function: the function.
        load: gives the module of a name, where the function imports it; or UNKNOWN.
    """
    package = str(function.__globals__.get("__package__") or "")
    for reference in sorted(references_of(function.__code__, package)):
        found = _resolved(function, reference, load)
        if found is not None and not isinstance(found.value, ModuleType):
            yield found


def _resolved(function: FunctionType, reference: Reference, load: Load) -> Found | None:
    """From module to module along the names; `load` may know modules that are not loaded yet."""
    start, names = reference
    cells, namespace = captured(function), function.__globals__
    if start == FIRST:
        namespace, value = {}, follow(class_of(function), names[:1])
    elif start == IMPORT:
        namespace, value = {}, load(names[0])
    elif names[0] in cells:
        namespace, value = {}, cells[names[0]]
    else:
        value = namespace.get(names[0], UNKNOWN)
    depth = 1
    for name in names[1:] if start != FIRST else ():
        if not isinstance(value, ModuleType):
            break
        depth += 1
        namespace = vars(value)
        if name in namespace:
            value = namespace[name]
        else:
            value = load(f"{value.__name__}.{name}") if start == IMPORT else UNKNOWN
    return None if value is UNKNOWN else Found(".".join(names[:depth]), value, namespace)


class _Reader:
    """Reads code objects. Nested ones can use what the outer one imports or gets as `self`."""

    def __init__(self, package: str) -> None:
        self.found: set[Reference] = set()
        self.locals: dict[str, Reference] = {}
        self._package = package
        self._last: Reference | None = None  # what the last instruction left on the stack
        self._module: Reference | None = None  # what the last import names
        self._whole = False  # and whether it is one without `from`

    def read(self, code: CodeType) -> None:
        """Add the references of one code object."""
        instructions = list(dis.get_instructions(code))
        for number, instruction in enumerate(instructions):
            if instruction.opname == "IMPORT_NAME":
                level, items = (before.argval for before in instructions[number - 2 : number])
                self._imported(instruction.argval, level, whole=items is None)
            else:
                self._read(instruction.opname, instruction.argval)
        self._keep(None)
        if "__class__" in code.co_freevars:  # `super()`, which leaves no name in the code
            self.found.add(Reference(NAME, ("__class__",)))

    def _read(self, operation: str, argument: Any) -> None:
        # Two instructions may be one, with a pair of names: the first stored, the last loaded.
        name: Any = argument[-1] if isinstance(argument, tuple) and argument else argument
        if operation in _ATTRIBUTES:
            self._last = _longer(self._last, name)
        elif operation == "IMPORT_FROM":
            # `import a.b as c` takes `b` from `a`: it has the whole module in the end
            self._keep(self._module if self._whole else _longer(self._module, name))
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

    def _imported(self, name: str, level: int, *, whole: bool) -> None:
        self._keep(None)
        self._whole = whole
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


def _longer(reference: Reference | None, name: str) -> Reference | None:
    return None if reference is None else reference._replace(names=(*reference.names, name))


def class_of(function: FunctionType) -> object:
    """The class in whose body a function stands; UNKNOWN where there is none."""
    owner, _, _ = function.__qualname__.rpartition(".")
    found = look_up(owner, namespace_of(function)) if owner else None
    return found if isinstance(found, type) else UNKNOWN

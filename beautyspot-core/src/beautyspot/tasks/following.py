"""What ``version="auto"`` is made of: code, and the content of what it names.

It follows a function, and whatever of the user's own project its code names, from one to the next:
functions, classes with their methods and bases, methods called on `self`, what was captured or
stands as a default, and what decorators wrap around it. What modules and captured variables hold
counts by its text, and the functions and classes in it are followed. What functions of its module
assign or change counts by the code in it alone, and a warning says so.

The user's own project is the top-level package of the function itself, wherever it is installed,
and every file that is neither of the standard library nor in ``site-packages``.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import inspect
import re
from contextlib import suppress
from types import (
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.foreign import moment_in
from beautyspot.contracts.values import OF_DATA
from beautyspot.functions.annotations import EVALUATORS, annotations_of
from beautyspot.functions.code import (
    UNKNOWN,
    code_digest,
    digest_of,
    dotted,
    follow,
    module_source,
    nodes_of,
    with_nested,
)
from beautyspot.functions.identity import is_installed, is_standard
from beautyspot.functions.names import (
    ByIdentity,
    captured,
    chain,
    closures,
    identifier_of,
    in_body,
    innermost_function,
    is_generated,
    is_no_file,
    is_ours,
    is_python_class,
    look_up,
    may_be_edited,
    namespace_of,
    python_function,
    root_of,
    unwrap_ours,
    version_of,
)
from beautyspot.keys.standard import has_own_form
from beautyspot.keys.text import tag
from beautyspot.keys.walk import KEYED, Walk, Without
from beautyspot.logs import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from beautyspot.keys.generator import KeyGen

    Record = tuple[str, str, str]
    """Where a thing was found, its name there, and its digest."""

    Path = tuple[str, ...]
    """A dotted name."""

_FIELDS: Final = ("__dataclass_fields__", "__attrs_attrs__", "__pydantic_fields__", "_fields")
_PLACE: Final = frozenset(
    {"__name__", "__file__", "__path__", "__package__", "__spec__", "__loader__", "__cached__"}
)
"""The globals that say where a module is: another thing in a script, a worker, on a machine."""

_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_DATA: Final = OF_DATA | {"argparse"}
_HOLDERS: Final = (functools.cached_property, functools.singledispatchmethod)
_IN_C: Final = (GetSetDescriptorType, MemberDescriptorType, WrapperDescriptorType)

_LEFT: Final = tag("left", "0")
"""The text of what can't be read: it is no part of a version."""


class Following:
    """Follows the code of one function and of its arguments.

    Args:
        function: the function.
        keygen: writes the texts of what the code reads.
        ignore: captured variables, and globals of its module, that do not count.

    Attributes:
        records: what the version is made of that was asked for last.
        moment: what that code reads of a request or a context; "" if nothing.
    """

    def __init__(self, function: Any, keygen: KeyGen, ignore: Collection[str] = ()) -> None:
        self._function = unwrap_ours(function)
        self._keygen = keygen
        self._ignore = ignore
        self.records: set[Record] = set()
        self.moment = ""
        self._project = root_of(namespace_of(self._function).get("__name__"))
        # Of this class the function's own version follows what it calls on `self`.
        inner = python_function(self._function)
        self._owner = _class_of(inner)
        self._first = "" if inner is None else "".join(inner.__code__.co_varnames[:1])
        self._known: ByIdentity[str] = ByIdentity()

    def version(self) -> str:
        """The version of the function, which keeps what it is made of."""
        self.records = self._followed()
        return f"auto:{_digest(self.records)}"

    def changed(self, version: str | None) -> set[str]:
        """The names of what is another thing by now than in a version; none where nothing is.

        Of what is there now or before alone, how one came to it.
        """
        before, now = self.records, self._followed()
        if f"auto:{_digest(now)}" == version:
            return set()
        known = {owner for owner, *_ in now} & {owner for owner, *_ in before}
        names = {label or owner for owner, label, _ in now ^ before if owner in known}
        return names or {identifier_of(self._function)}  # another thread has found it before

    def _followed(self) -> set[Record]:
        walk = _Follow(self._keygen, self._project, self._function, self._ignore)
        *_, last = chain(self._function)  # what is bound to it are arguments
        walk.run(self._function if isinstance(last, FunctionType | type) else type(last))
        if walk.changing:
            warn_once(
                f'version="auto" of {identifier_of(self._function)} does not count '
                f"{', '.join(sorted(walk.changing))}, which functions change while the program "
                "runs: pass what matters of it as an argument, or write the version yourself"
            )
        self.moment = walk.moment
        return walk.records

    def of(
        self, definitions: list[Any], arguments: Mapping[str, Any], *, afresh: bool = False
    ) -> str:
        """A digest of the code of functions and classes in arguments; "" where there is none.

        Args:
            definitions: the functions and classes, as they were met.
            arguments: by name; of the class of the first counts what is called on `self`.
            afresh: as it is now, also for later calls; else as it was when it was met.
        """
        if afresh:
            self._known = ByIdentity()
        given = arguments.get(self._first)
        receiver = given.value if type(given) is Without else given
        found = [*definitions]
        if any(self._owner is each for each in (receiver, type(receiver))):
            with suppress(ValueError):  # what has a form of its own, such as a logger
                found.remove(self._owner)
        versions = {self._version(each) for each in found} - {""}
        return digest_of(repr(sorted(versions))) if versions else ""

    def _version(self, definition: Any) -> str:
        known = self._known.get(definition)
        if known is not None:
            return known
        walk = _Follow(self._keygen, self._project)
        walk.run(definition)
        walk.describe(definition)
        version = _digest(walk.records) if walk.records else ""
        return version if may_be_edited(definition) else self._known.put(definition, version)


def _digest(records: set[Record]) -> str:
    return digest_of(repr(sorted(records)))


# -------------------------------------------------------------------------------- from name to name


class _Follow:
    """Follows code from name to name. Each thing is visited once, so cycles come to an end.

    Args:
        keygen: writes the texts of what the code reads.
        project: the top-level package whose code counts, wherever it is installed.
        function: of this one, `ignore` names globals of its module, and captured variables.
        ignore: these do not count.
    """

    def __init__(
        self,
        keygen: KeyGen,
        project: str,
        function: Any = None,
        ignore: Collection[str] = (),
    ) -> None:
        self.records: set[Record] = set()
        self.changing: set[str] = set()
        self.moment = ""
        self._keygen = keygen
        self._project = project
        self._todo: list[Any] = []  # all are kept, so that no number comes twice
        self._seen: set[int] = set()
        self._described: set[int] = set()
        self._ignore = ignore
        self._around = closures(function)
        self._receiver = _class_of(python_function(function))  # the class of `self`
        self._globals = getattr(innermost_function(function), "__globals__", None)

    def run(self, value: Any) -> None:
        """Follow a function or class, and all that it leads to."""
        self._todo.append(value)
        for each in self._todo:  # which grows meanwhile
            self._visit(each)

    def describe(self, definition: Any) -> None:
        """Count what others may read of a function or class: docstring and annotations."""
        for step in chain(definition):
            if self._is_own(step) and id(step) not in self._described:
                self._described.add(id(step))  # before: its annotations may name itself
                # That of a dataclass may show where its defaults are in memory.
                doc = re.sub(" at 0x[0-9A-Fa-f]+", "", inspect.cleandoc(str(step.__doc__)))
                shown = doc, annotations_of(step)
                self._use(identifier_of(step), "what it says of itself", shown)

    def _visit(self, value: Any) -> None:  # noqa: C901 - a case a kind
        for step in chain(value):
            if id(step) in self._seen:
                continue
            self._seen.add(id(step))
            is_function = isinstance(step, FunctionType) and (is_ours(step) or self._is_own(step))
            if is_function and "<" not in step.__qualname__:  # of others, their text says this
                self._attributes(step, vars(step))
            if is_ours(step):  # a helper that is marked says by its version what changes
                version = version_of(step)
                if version is not None:
                    self.records.add((identifier_of(step), "version", version))
            elif is_function:
                self._function(step)
            elif isinstance(step, type) and self._is_own(step):
                self._class(step)
            elif isinstance(step, ModuleType) and self._is_own_place(vars(step)):
                for name, each in [*vars(step).items()]:  # any of it may be asked for
                    is_module = isinstance(each, ModuleType)
                    is_beside = is_module and not each.__name__.startswith(f"{step.__name__}.")
                    if name[:2] != "__" and not is_beside:
                        self._use(step.__name__, name, each, vars(step))
        if issubclass(type(value), property):
            self._todo += [value.fset, value.fdel]
        registry = getattr(getattr(value, "dispatcher", value), "registry", None)
        place = namespace_of(innermost_function(value))
        if isinstance(registry, MappingProxyType) and self._is_own_place(place):
            # What `functools.singledispatch` calls in place of a function, by type.
            self._use(identifier_of(value), "dispatch", dict(registry))

    def _function(self, function: FunctionType) -> None:  # noqa: C901 - one rule for a name
        name, body, nodes = identifier_of(function), _class_of(function), nodes_of(function)
        owner = body
        if owner in getattr(self._receiver, "__mro__", ()):  # a base may call what it overrides
            owner = self._receiver
        self.records.add((name, "", code_digest(function)))
        ignored = self._ignore if function.__globals__ is self._globals else ()
        self.moment = self.moment or moment_in(function, ignored, with_variables=True)
        codes = [*with_nested(function.__code__)]
        used = {each for code in codes for each in code.co_names}
        local = {n for code in codes for n in (*code.co_varnames, *code.co_cellvars)}
        cells, first = captured(function), function.__code__.co_varnames[:1]
        names = _Names(nodes, str(function.__globals__.get("__package__") or ""))
        paths = names.paths if nodes else dict.fromkeys([(each,) for each in (*used, *cells)], True)
        for path, as_value in sorted(paths.items()):
            root = path[0]
            if path[:1] == first and owner is not UNKNOWN:
                if path[1:] and path[1] != "__class__":
                    inner = [in_body(body, path[1]), *path[2:]]
                    found = follow(owner, inner[:1])
                    found = follow(owner, ["__getattr__"]) if found is UNKNOWN else found
                    self._use(name, path[1], found)
                    self.describe(follow(owner, inner) if as_value else None)
                else:  # any method of it may run
                    self._todo.append(owner)
            elif root in cells:
                value, less = cells[root], self._ignore if function in self._around else ()
                if root not in less:
                    left = (*_beneath(less, root), *(less if type(value) is FunctionType else ()))
                    self._use(name, root, value, changed=left, as_value=as_value)
            elif root in used or root in names.imported or root not in local:
                label, value, where = self._resolved(
                    name, path, function.__globals__, names.imported
                )
                self._use(name, label, value, where, as_value=as_value)
                self.describe(follow(value, path[label.count(".") + 1 :]) if as_value else None)
        if "__class__" in cells:  # `super()`, which leaves no name in the code
            self._todo.append(cells["__class__"])
        by_place, by_name = function.__defaults__ or (), function.__kwdefaults__ or {}
        for key, value in (*enumerate(by_place), *by_name.items()):
            self._use(name, f"default of {key}", value)

    def _class(self, cls: type[Any]) -> None:
        name, namespace, nodes = identifier_of(cls), namespace_of(cls), nodes_of(cls)
        self.records.add((name, "", code_digest(cls)))
        self._todo += [*cls.__mro__[1:], type(cls)]
        for key, value in vars(cls).items():
            function = None if isinstance(value, type) else innermost_function(value)
            if function is None or key in EVALUATORS:
                continue
            # What others generate says no more than the class's source, in each Python otherwise.
            by_others = is_no_file(function.__code__.co_filename) and (
                function.__module__ != cls.__module__
            )
            if not (nodes and (by_others or is_generated(function))):
                self._todo.append(value)
        for path, as_value in sorted(_Names(nodes, "").paths.items()):
            self._use(name, *self._resolved(name, path, namespace, {}), as_value=as_value)
        held = vars(cls).items()
        kept = {k: v for k, v in held if self._is_own(type(v)) or not hasattr(type(v), "__get__")}
        self._attributes(cls, {k: v for k, v in kept.items() if type(v) is not cls})
        if not nodes:  # made by a call of `type`, `create_model`, `Enum` and the like
            members = getattr(cls, "__members__", {})
            fields = repr(getattr(cls, "__pydantic_fields__", "")).partition(" at 0x")[0]
            held = [(key, each._value_) for key, each in members.items()]
            self._use(name, "members", [held, fields, annotations_of(cls)])

    def _attributes(self, definition: Any, values: dict[str, Any]) -> None:
        """Count what was set on a class, or on a function, less what functions change of it."""
        name = identifier_of(definition)
        namespace = namespace_of(definition)
        changed = _beneath(self._changed_in(namespace), definition.__qualname__)
        for key, value in values.items():
            if not (key == "_abc_impl" or key[:2] == "__" or key[:1] == key[-1:] == "_"):
                where = f"{name.replace(':', '.')}.{key}"
                self._use(name, key, value, changed=_beneath(changed, key), path=where)

    def _use(  # noqa: C901 - one rule, read from its top
        self,
        owner: str,
        label: str,
        value: Any,
        namespace: Mapping[str, Any] | None = None,
        *,
        changed: Collection[str] = (),
        path: str = "",
        as_value: bool = False,
    ) -> None:
        """Count what a name stands for by its text, and by the code in it.

        Args:
            owner: whose name it is.
            label: the name.
            value: what it stands for.
            namespace: of the module where it stands, whose functions may change it.
            changed: else the paths of what functions change of it; "" is the value itself.
            path: what a warning calls it then; "" for none.
            as_value: whether its owner does more with it than to call it.
        """
        name = label.rpartition(".")[2]
        if value is UNKNOWN or value is None or type(value) in _IN_C or name in _PLACE:
            return
        if namespace is not None:
            changed = _beneath(self._changed_in(namespace), name)
            path = f"{namespace.get('__name__')}.{name}"
            is_theirs = callable(value) and not self._is_own_place(namespace)
            if is_theirs or (name in self._ignore and namespace is self._globals):
                changed, path = ("",), ""  # of theirs, the names up to it say enough
        walk = _Content(self._keygen, self._is_own)
        # Beside the function in some of Python's descriptors stand other attributes in each Python.
        shown = python_function(value) if issubclass(type(value), _HOLDERS) else value
        text = walk.argument(label, Without(shown, tuple(filter(None, changed))))
        if changed and path and not issubclass(type(value), FunctionType | type):
            self.changing.update([f"{path}.{each}" if each else path for each in changed])
        if "" not in changed and text != _LEFT:
            self.records.add((owner, label, digest_of(text)))
        self._todo += walk.definitions
        if python_function(value) is not None:  # a property, a static method, what is marked
            self._todo.append(value)
        for each in walk.definitions:
            if as_value or each is not unwrap_ours(value):
                self.describe(each)

    # ----------------------------------------------------------------------- what a name stands for

    def _resolved(
        self, owner: str, path: Path, namespace: Mapping[str, Any], imported: Mapping[str, Path]
    ) -> tuple[str, Any, Mapping[str, Any] | None]:
        """The first thing along a dotted name that is no module: the names up to it, and where.

        A module where there is none.
        """
        root, *names = path
        where: Mapping[str, Any] | None = namespace
        done, value = [root], namespace.get(root, UNKNOWN)
        if root in imported:
            module, *more = imported[root]
            value, names, where = self._load(module), [*more, *names], None
            if value is UNKNOWN:  # of a library, whether or not it is loaded yet
                self.records.add((owner, root, digest_of(".".join(imported[root]))))
        if isinstance(value, ModuleType):
            self.records.add((owner, root, digest_of(value.__name__)))
        while isinstance(value, ModuleType) and names:
            where, name = vars(value), names.pop(0)
            if not self._is_own_place(where):  # the names say enough, whether or not it is loaded
                return root, UNKNOWN, None
            done.append(name)
            value = where.get(name, UNKNOWN)
            if value is UNKNOWN and root in imported:
                value = self._load(f"{where['__name__']}.{name}")
        return ".".join(done), value, where

    def _load(self, name: str) -> Any:
        """A module of the project that a function imports when it runs, maybe later than now."""
        root = root_of(name)
        with suppress(Exception):  # whatever its code raises is for the function to meet
            spec: Any = importlib.util.find_spec(root)
            place = spec.origin or next(iter(spec.submodule_search_locations))
            if root == self._project or _is_of_a_project(place):
                return importlib.import_module(name)
        return UNKNOWN

    def _is_own(self, definition: Any) -> bool:
        if isinstance(definition, FunctionType):
            return self._is_own_place(definition.__globals__, definition.__code__.co_filename)
        return is_python_class(definition) and self._is_own_place(namespace_of(definition))

    def _is_own_place(self, namespace: Mapping[str, Any], filename: str = "") -> bool:
        root, spec = root_of(namespace.get("__name__")), namespace.get("__spec__")
        filename = filename or str(namespace.get("__file__") or getattr(spec, "origin", ""))
        return root != "beautyspot" and (root == self._project or _is_of_a_project(filename))

    @staticmethod
    def _changed_in(namespace: Mapping[str, Any]) -> set[str]:
        """The names of a module whose values its functions change."""
        source = module_source(namespace)
        return set() if source is None else source.changed


def _beneath(changed: Iterable[str], path: str) -> tuple[str, ...]:
    """What is changed of the value at a path; "" where the value itself is."""
    return tuple([c[len(path) + 1 :] for c in changed if f"{c}.".startswith(f"{path}.")])


def _class_of(function: FunctionType | None) -> Any:
    """The class in whose body a function stands; UNKNOWN where there is none."""
    owner, _, _ = getattr(function, "__qualname__", "").rpartition(".")
    found = look_up(owner, namespace_of(function)) if owner else None
    return found if isinstance(found, type) else UNKNOWN


@functools.cache
def _is_of_a_project(filename: str) -> bool:
    of_c = filename.startswith("<frozen ") or filename in {"built-in", "frozen"}
    return not (of_c or is_standard(filename) or is_installed(filename))


class _Names:
    """The names in a function, or in a class body outside of its functions.

    Args:
        nodes: in the source; none gives no names.
        package: in which relative imports start.

    Attributes:
        paths: the dotted names, and whether more is done with each than to call it.
        imported: what the function itself imports, by its name there: a module and names in it.
    """

    def __init__(self, nodes: list[Any], package: str) -> None:
        self.paths: dict[Path, bool] = {}
        self.imported: dict[str, Path] = {}
        self._package = package
        for node in nodes:
            left_out = list[ast.AST](getattr(node, "decorator_list", ()))
            if isinstance(node, ast.ClassDef):
                left_out += [each for each in node.body if isinstance(each, _DEFINITIONS)]
            self._read(node, left_out)

    def _read(  # noqa: C901 - a case each for what names things
        self,
        part: ast.AST,
        left_out: Collection[ast.AST] = (),
        *,
        called: bool = False,
        annotates: bool = False,
    ) -> None:
        path = dotted(part)
        if path is not None:
            is_read = not called or "__doc__" in path
            self.paths[tuple(path)] = self.paths.get(tuple(path), False) or is_read
            return
        if isinstance(part, ast.Import):
            for alias in part.names:
                root = alias.name.partition(".")[0]
                self.imported[alias.asname or root] = (alias.name if alias.asname else root,)
        elif isinstance(part, ast.ImportFrom):
            module = "." * part.level + (part.module or "")
            with suppress(ImportError):
                module = importlib.util.resolve_name(module, self._package)
            for alias in part.names:
                self.imported[alias.asname or alias.name] = (module, alias.name)
        elif annotates and isinstance(part, ast.Constant) and isinstance(part.value, str):
            with suppress(SyntaxError):  # a text, as of `Literal`
                self._read(ast.parse(part.value, mode="eval").body, annotates=True)
        of_types = getattr(part, "annotation", None), getattr(part, "returns", None)
        for each in ast.iter_child_nodes(part):
            if each not in left_out:
                is_called = each is getattr(part, "func", None)
                self._read(each, called=is_called, annotates=annotates or each in of_types)


class _Content(Walk):
    """Writes what a name stands for, less what has no text, with the order of dicts."""

    __slots__ = ("_is_own",)

    def __init__(self, keygen: KeyGen, is_own: Callable[[Any], bool]) -> None:
        super().__init__(keygen.form, keygen.custom)
        self._is_own = is_own

    def leaves_out(self, error: Exception) -> bool:
        """Whatever raised: it may be of other people's making, such as a client."""
        del error
        return True

    def left(self, value: object) -> str:
        """The text of what is left out: its class may be another one at a prompt, or in a test."""
        del value
        return _LEFT

    def mapping(self, items: dict[Any, Any], step: str = KEYED) -> str:
        """In the order of the dict, and not sorted: code that iterates over it sees that."""
        pairs = [f"[{self.at('<key>', '', k)},{self.at(step, k, v)}]" for k, v in items.items()]
        return f"[{','.join(pairs)}]"

    def _written(self, kind: type, value: Any) -> str:
        bases = [root_of(base.__module__) for base in kind.__mro__[:-1]]
        knows = any(has_own_form(base) or base in _DATA for base in bases)
        if not (knows or self._is_own(kind) or any(hasattr(kind, name) for name in _FIELDS)):
            self.refuse(value)
        return super()._written(kind, value)

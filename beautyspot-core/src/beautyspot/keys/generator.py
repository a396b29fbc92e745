"""Makes a call's `input_id` of its arguments, and its cache key of that, function and version.

Arguments are written as canonical text: JSON that is the same for equal values, and differs for all
others, in every process, under every hash seed, on every machine and every supported version of
Python (a golden file pins it). `walk` goes through a value, and `forms` has the form of each class.
Key and `input_id` are 32 hex digits: by default SHA-256 (FIPS 180-4) cut to 128 bits. Two prompts
that collide cannot be crafted.
"""

from __future__ import annotations

import copy
import errno
import hashlib
import json
import os
import stat
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from beautyspot.contracts import KEY_SCHEME, KeyGenBase
from beautyspot.contracts.backend import wrong_answer
from beautyspot.errors import ConfigError, PluginError, UnstableKeyError
from beautyspot.keys.forms import Forms, form_of
from beautyspot.keys.text import FLAT, quote, texts_of_column
from beautyspot.keys.walk import ADVICE, NAME, Walk
from beautyspot.messages import less_secrets, masked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from beautyspot.contracts.values import Types
    from beautyspot.keys.walk import Custom, Form

    Digest = Callable[[bytes], "hashlib._Hash"]
    AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]


_NONE: Final[Custom] = {}


def canonical(value: object, custom: Custom = _NONE, form: Form = form_of) -> str:
    """The canonical text of `value`.

    Args:
        value: anything.
        custom: key functions, see `Walk`.
        form: writes whatever is no flat value, list, tuple or dict.

    Raises:
        UnstableKeyError: a part has no stable form; the path starts with ``value``.
    """
    text = write(Walk(form, custom), lambda walk: walk.at("value", "", value))
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def write(walk: Walk, what: Callable[[Walk], str]) -> str:
    """What a walk writes; whatever a value raises (a closed file, a property) becomes our error."""
    try:
        return what(walk)
    except UnstableKeyError:
        raise
    except Exception as error:
        path = walk.where()
        raise UnstableKeyError(
            f"{less_secrets(path[:80])} could not be read ({type(error).__name__}: "
            f"{masked(str(error))}): {ADVICE}",
            path=path,
        ) from error


HEX_DIGITS: Final = 32
"""Length of each key and `input_id`: 128 bits."""


_DIGESTS: Final[dict[str, Digest]] = {
    "sha256": hashlib.sha256,
    "md5": partial(hashlib.md5, usedforsecurity=False),
}


class KeyGen(KeyGenBase):
    """Keys by a canonical text of the arguments, the same in every process and on every machine.

    Args:
        digest: ``"sha256"``, cut to 128 bits, or ``"md5"``. Either way the text has large parts of
            the arguments as their SHA-256.

    Attributes:
        digest: the function of that name.

    Raises:
        ConfigError: the digest is unknown.
    """

    name: ClassVar[str] = "stable"

    def __init__(self, *, digest: str = "sha256") -> None:
        if digest not in [*_DIGESTS]:
            known = ", ".join(_DIGESTS)
            raise ConfigError(f"there is no key digest {digest!r}: use one of {known}")
        self.digest: Digest = _DIGESTS[digest]
        # In a table, shared with what `supporting` makes of it. What is in that is replaced, never
        # changed: a call that is under way keeps the old one.
        self._registered: dict[str, Custom] = {"": {}}
        self.form: Form = form_of

    @final  # calls are asked for value by value: a subclass writes another `canonical`
    def input_id(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The digest of the canonical arguments: 32 hex digits.

        All NaNs are one; `1`, `True` and `1.0` are three, `0.0` and `-0.0` are two.

        Raises:
            UnstableKeyError: an argument has no stable form; ``error.path`` says where it is.
        """
        walk = self.walk()
        texts = [
            write(walk, partial(Walk.at, step="args[{}]", key=number, value=value))
            for number, value in enumerate(args)
        ]
        return self.id_of(self.texts_of(kwargs, walk), {}, ",".join(texts))

    @property
    def custom(self) -> Custom:
        """The key functions: ``id(class)`` -> the class and its function."""
        return self._registered[""]

    def walk(self, kept: dict[object, str] | None = None) -> Walk:
        """A walk that writes as this key generation does; see there."""
        return Walk(self.form, self.custom, kept)

    def texts_of(self, named: Mapping[str, Any], walk: Walk) -> dict[str, str]:
        """The canonical texts of arguments, which the walk writes, by name.

        Raises:
            UnstableKeyError: an argument has no stable form; ``error.path`` says where it is.
        """
        texts: dict[str, str] = {}
        for name, value in named.items():
            flat = FLAT.get(type(value))
            if flat is not None:
                texts[name] = flat(value)
            else:
                texts[name] = write(walk, lambda walk: walk.argument(name, value))  # noqa: B023 - at once
        return texts

    def id_of(self, texts: Mapping[str, str], less: Mapping[str, str], before: str = "") -> str:
        """The `input_id` of arguments that are called and written so, less those that are so.

        Args:
            texts: by name.
            less: the texts at which arguments do not count.
            before: the texts of arguments without a name.
        """
        members = []
        for name in sorted(texts):
            if less.get(name) != texts[name]:
                members.append(f"{quote(name)}:{texts[name]}")  # noqa: PERF401 - a call less
        data = f"[[{before}],{{{','.join(members)}}}]".encode("utf-8", "backslashreplace")
        return self.digest(data).hexdigest()[:HEX_DIGITS]

    def ids_of(self, names: Sequence[str], calls: Sequence[tuple[Any, ...]]) -> list[str]:
        """What `id_of` gives for each of many calls of flat values, which are those of `names`."""
        if not calls:
            return []
        texts = map(texts_of_column, zip(*calls, strict=True))
        columns = sorted(zip(names, texts, strict=True))
        form = f"[[],{{{','.join([f'{quote(name)}:%s' for name, _ in columns])}}}]"
        rows = zip(*[each for _, each in columns], strict=True)
        written = [(form % row).encode("utf-8", "backslashreplace") for row in rows]
        return [self.digest(data).hexdigest()[:HEX_DIGITS] for data in written]

    def id_of_value(self, value: object) -> str:
        """The `input_id` of a call that is identified by one value."""
        return self.id_of({}, {}, self.canonical(value))

    def canonical(self, value: object) -> str:
        """See `KeyGenBase.canonical`."""
        return canonical(value, self.custom, self.form)

    def supporting(self, types: Types) -> KeyGen:
        """See `KeyGenBase.supporting`; key functions that are registered win over plug-ins."""
        if not types:
            return self
        made = copy.copy(self)
        made.form = Forms(types)
        return made

    def register(self, cls: type, function: Callable[[Any], object]) -> None:
        """Let `function` say what counts in a key of the instances of a class and its subclasses.

        Args:
            cls: any class but those of flat values (`str`, `int`, `float`, `bool`, `None`).
            function: takes an instance and returns any value that has a stable form. The class
                always counts as well.

        Raises:
            ConfigError: `cls` is not such a class, or `function` cannot be called.
        """
        if not isinstance(cls, type) or cls is object or cls in FLAT:
            raise ConfigError(f"no key function can be registered for {cls!r}: give another class")
        if not callable(function):
            raise ConfigError(f"{function!r} can't be called: give a function of one argument")
        self._registered[""] = {**self.custom, id(cls): (cls, function)}

    @staticmethod
    def default(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The `input_id` of a call, by the default digest and without registered classes."""
        return _DEFAULT.input_id(args, kwargs)

    @staticmethod
    def from_path_stat(path: AnyPath) -> str:
        """An ID of a file without reading it: the path as given, its size, its time of change.

        The path is not made absolute, so a shared cache works in another user's directory. A change
        that keeps size and `mtime_ns` goes unnoticed; use `from_file_content` to notice it.

        Raises:
            FileNotFoundError: the file does not exist.
            IsADirectoryError: it is a directory, whose time says nothing of the files in it.
        """
        status = _status(path)
        return _DEFAULT.input_id((os.fsdecode(path), status.st_size, status.st_mtime_ns), {})

    @staticmethod
    def from_file_content(path: AnyPath) -> str:
        """An ID of the content of the file `path`, whatever its name. Reads it once, in parts.

        Raises:
            FileNotFoundError: the file does not exist.
            IsADirectoryError: it is a directory.
        """
        _status(path)
        with Path(os.fsdecode(path)).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:HEX_DIGITS]


class OfOthers(KeyGen):
    """A key generation of somebody else: it writes the values, and all else is as ours."""

    def __init__(self, keygen: KeyGenBase) -> None:
        super().__init__()
        self._keygen = keygen

    def canonical(self, value: object) -> str:
        """The text of one value, as a JSON string.

        Raises:
            PluginError: it is none.
            Exception: of the key generation.
        """
        made: Any = self._keygen.canonical(value)
        if isinstance(made, str):
            return quote(made)
        raise PluginError(wrong_answer(self._keygen, "canonical", made, "the text", "return a str"))

    def texts_of(self, named: Mapping[str, Any], walk: Walk) -> dict[str, str]:
        """See `KeyGen.texts_of`; the walk notes whole arguments alone."""
        texts: dict[str, str] = {}
        for name, value in named.items():
            walk.path[:] = [(NAME, name)]  # where it has stopped, if this raises
            try:
                texts[name] = walk.noted[name] = self.canonical(value)
            except UnstableKeyError as error:
                error.path = f"{name}{error.path.removeprefix('value')}"
                raise
        walk.path.clear()
        walk.plain = False
        return texts


def ours_for(keygen: KeyGenBase) -> KeyGen:
    """A key generation itself if it writes as ours does, else one that asks it."""
    if isinstance(keygen, KeyGen) and type(keygen).canonical is KeyGen.canonical:
        return keygen
    return OfOthers(keygen)


class KeyMaker:
    """Makes the cache keys of one function: called with an `input_id`, it returns 32 hex digits.

    The key is the digest of the JSON array ``[scheme, identity, version]`` followed by the
    `input_id`. The closing bracket ends the array, so no two of them are confused: ID ``"a:v1"`` is
    not ID ``"a"`` of version ``"v1"``.

    Args:
        identity: the function's identity, or any text in its place.
        version: the version of its logic, which is kept; None is not ``""``.
        digest: see `KeyGen`.
    """

    __slots__ = ("_begun", "version")

    def __init__(
        self, identity: str, version: str | None = None, digest: Digest = hashlib.sha256
    ) -> None:
        head = json.dumps([KEY_SCHEME, identity, version], separators=(",", ":"))
        self._begun = digest(head.encode())
        self.version = version

    def __call__(self, input_id: str) -> str:
        """The cache key of the call with this `input_id`."""
        digest = self._begun.copy()
        digest.update(input_id.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:HEX_DIGITS]


def _status(path: AnyPath) -> os.stat_result:
    status = os.stat(path)  # noqa: PTH116 - takes every kind of path, bytes too
    if stat.S_ISDIR(status.st_mode):
        why = "a directory can't be in a key: name the files in it"
        raise IsADirectoryError(errno.EISDIR, why, os.fsdecode(path))
    return status


_DEFAULT: Final = KeyGen()

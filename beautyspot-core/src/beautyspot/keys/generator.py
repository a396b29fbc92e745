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
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

from beautyspot.contracts import KEY_SCHEME, KeyGenBase
from beautyspot.contracts.backend import wrong_answer
from beautyspot.errors import ConfigError, PluginError, UnstableKeyError
from beautyspot.keys.forms import Forms, form_of
from beautyspot.keys.text import BIG, FLAT, LARGE, quote, texts_of_column
from beautyspot.keys.walk import NAME, Walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from beautyspot.contracts.values import Types
    from beautyspot.keys.walk import Form

    Digest = Callable[[bytes], "hashlib._Hash"]
    AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]


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
        custom: the key functions: ``id(class)`` -> the class and its function. What `supporting`
            makes of this has the same ones.
        form: writes whatever is no flat value, list, tuple or dict.

    Raises:
        ConfigError: the digest is unknown.
    """

    name: ClassVar[str] = "stable"

    def __init__(self, *, digest: str = "sha256") -> None:
        if digest not in [*_DIGESTS]:
            known = ", ".join(_DIGESTS)
            raise ConfigError(f"there is no key digest {digest!r}: use one of {known}")
        self.digest: Digest = _DIGESTS[digest]
        self.custom: dict[int, tuple[type, Callable[[Any], object]]] = {}
        self.form: Form = form_of

    @final  # calls are asked for value by value: a subclass writes another `canonical`
    def input_id(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The digest of the canonical arguments: 32 hex digits.

        All NaNs are one; `1`, `True` and `1.0` are three, `0.0` and `-0.0` are two.

        Raises:
            UnstableKeyError: an argument has no stable form; ``error.path`` says where it is.
        """
        walk = self.walk()
        texts = [walk.argument(f"args[{number}]", value) for number, value in enumerate(args)]
        return self.id_of(self.texts_of(kwargs, walk), {}, ",".join(texts))

    def walk(self, kept: dict[object, str] | None = None) -> Walk:
        """A walk that writes as this key generation does; see there."""
        return Walk(self.form, self.custom, kept)

    def texts_of(self, named: Mapping[str, Any], walk: Walk | None = None) -> dict[str, str]:
        """The canonical texts of arguments, by name. `walk` writes those that are not flat.

        Flat ones as `FLAT` writes them, most without a call for each.

        Raises:
            UnstableKeyError: an argument has no stable form; ``error.path`` says where it is.
        """
        texts: dict[str, str] = {}
        for name, value in named.items():
            kind = type(value)
            if kind is str and len(value) <= LARGE:
                texts[name] = quote(value)
            elif (kind is int and -BIG < value < BIG) or (kind is float and value - value == 0):
                texts[name] = repr(value)  # a float less itself is 0 if it is finite
            elif kind in FLAT:
                texts[name] = FLAT[kind](value)
            else:
                texts[name] = (walk or self.walk()).argument(name, value)
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

    def id_of_all(self, names: Sequence[str]) -> Callable[[Mapping[str, str]], str]:
        """What `id_of` does, made for arguments that are always these, and all count."""
        if not names:
            none = self.id_of({}, {})
            return lambda _: none
        digest, form, in_order = self.digest, _form_of(names), itemgetter(*sorted(names))

        def input_id(texts: Mapping[str, str]) -> str:
            data = (form % in_order(texts)).encode("utf-8", "backslashreplace")
            return digest(data).hexdigest()[:HEX_DIGITS]

        return input_id

    def ids_of(self, names: Sequence[str], calls: Sequence[tuple[Any, ...]]) -> list[str]:
        """What `id_of` gives for each of many calls of flat values, which are those of `names`."""
        if not calls:
            return []
        texts = map(texts_of_column, zip(*calls, strict=True))
        columns = sorted(zip(names, texts, strict=True))
        form = _form_of(names)
        rows = zip(*[each for _, each in columns], strict=True)
        written = [(form % row).encode("utf-8", "backslashreplace") for row in rows]
        return [self.digest(data).hexdigest()[:HEX_DIGITS] for data in written]

    def canonical(self, value: object) -> str:
        """The canonical text of any value. See `KeyGenBase.canonical`.

        Raises:
            UnstableKeyError: a part has no stable form; the path starts with ``value``.
        """
        text = self.walk().argument("value", value)
        return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()

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
        self.custom[id(cls)] = (cls, function)

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
        status = os.stat(path)  # noqa: PTH116 - takes every kind of path, bytes too
        if stat.S_ISDIR(status.st_mode):
            why = "a directory can't be in a key: name the files in it"
            raise IsADirectoryError(errno.EISDIR, why, os.fsdecode(path))
        return _DEFAULT.input_id((os.fsdecode(path), status.st_size, status.st_mtime_ns), {})

    @staticmethod
    def from_file_content(path: AnyPath) -> str:
        """An ID of the content of the file `path`, whatever its name. Reads it once, in parts.

        Raises:
            OSError: it can't be read: `FileNotFoundError`, or `IsADirectoryError` of a directory.
        """
        with Path(os.fsdecode(path)).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:HEX_DIGITS]


def _form_of(names: Iterable[str]) -> str:
    """What is digested of arguments of these names, with a place for the text of each."""
    return f"[[],{{{','.join([f'{quote(name)}:%s' for name in sorted(names)])}}}]"


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

    def texts_of(self, named: Mapping[str, Any], walk: Walk | None = None) -> dict[str, str]:
        """See `KeyGen.texts_of`; flat ones are asked for, too, and whole arguments alone noted."""
        walk = walk or self.walk()
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


_DEFAULT: Final = KeyGen()

canonical: Final = _DEFAULT.canonical
"""The canonical text of a value, without registered classes."""

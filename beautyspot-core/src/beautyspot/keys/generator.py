"""Makes a call's `input_id` of its arguments, and its cache key of that, function and version.

Both are 32 hex digits: by default SHA-256 (FIPS 180-4) cut to 128 bits. It is as fast as MD5 on
short inputs and faster on long ones, and two prompts that collide cannot be crafted.
"""

from __future__ import annotations

import copy
import errno
import hashlib
import json
import os
import stat
from binascii import hexlify
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.contracts import KEY_SCHEME, KeyGenBase
from beautyspot.errors import ConfigError
from beautyspot.keys.canonical import (
    FLAT,
    arguments,
    canonical,
    encode,
    parts,
    printable,
    quote,
)
from beautyspot.keys.canonical.plain import plain
from beautyspot.keys.canonical.resolve import Forms, form_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from beautyspot.contracts.types import Types
    from beautyspot.keys.binding import Binder
    from beautyspot.keys.canonical.walk import Custom, Form

    Digest = Callable[[bytes], "hashlib._Hash"]
    AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]

HEX_DIGITS: Final = 32
"""Length of each key and `input_id`: 128 bits."""

_BYTES: Final = HEX_DIGITS // 2


def _md5(data: bytes) -> hashlib._Hash:
    return hashlib.md5(data, usedforsecurity=False)


DIGESTS: Final[dict[str, Digest]] = {"sha256": hashlib.sha256, "md5": _md5}
"""The digests, by the names that select them."""


class _Registered:
    """The key functions of a generator, shared with what `supporting` makes of it.

    Attributes:
        by_class: ``id(class)`` -> the class and its key function. It is replaced, never changed: a
            call that is under way keeps the old one.
        plain: writes small plain values without a walk.
    """

    def __init__(self) -> None:
        self.by_class: Custom = {}
        self.plain: Callable[[Any], str] = plain


class KeyGen(KeyGenBase):
    """Keys by a canonical text of the arguments, the same in every process and on every machine.

    Args:
        digest: ``"sha256"``, cut to 128 bits, or ``"md5"``, as in earlier releases. Either way the
            text has large parts of the arguments as their SHA-256.

    Raises:
        ConfigError: the digest is unknown.
    """

    name: ClassVar[str] = "stable"

    def __init__(self, *, digest: str = "sha256") -> None:
        self.digest = digest
        self._digest = _digest_named(digest)
        self._registered = _Registered()
        self._form_of: Callable[[type], Form] = form_of

    def input_id(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The digest of the canonical arguments: 32 hex digits.

        All NaNs are one; `1`, `True` and `1.0` are three, `0.0` and `-0.0` are two.

        Raises:
            UnstableKeyError: an argument has no stable form; ``error.path`` says where it is.
        """
        try:  # most calls have nothing but small plain arguments, and need no walk
            return id_of_plain(self, args, kwargs)
        except Exception:  # the walk meets the cause again, and says where it is
            by_class = self._registered.by_class
            data = encode(arguments(args, kwargs, by_class, self._form_of))
        return self._digest(data).hexdigest()[:HEX_DIGITS]

    def keys(self, calls: Iterable[tuple[Any, ...]], bind: Binder, maker: KeyMaker) -> list[str]:
        """The keys of many calls, each of positional arguments; "" for one without a key.

        What `input_id` and the `maker` give for each of `calls`, with the calls between these left
        out; `bind` fills in defaults.
        """
        write, digest, begun = self._registered.plain, self._digest, maker.begun
        made: list[str] = []
        for call in calls:
            try:
                positional, named = bind(*call)
                if len(positional) == 1:
                    (value,) = positional
                    flat = FLAT.get(type(value))
                    text = flat(value) if flat is not None else write(value)
                else:
                    text = ",".join(map(write, positional))
            except Exception:  # one that takes a walk, or arguments that do not fit
                made.append(self._key(call, bind, maker))
                continue
            if named:
                made.append(self._key(call, bind, maker))
                continue
            data = f"[[{text}],{{}}]".encode("utf-8", "backslashreplace")  # `encode`, not called
            key = begun.copy()
            key.update(hexlify(digest(data).digest()[:_BYTES]))
            made.append(key.hexdigest()[:HEX_DIGITS])
        return made

    def _key(self, call: tuple[Any, ...], bind: Binder, maker: KeyMaker) -> str:
        try:
            return maker(self.input_id(*bind(*call)))
        except Exception:  # whoever makes the call meets it again
            return ""

    def canonical(self, value: object) -> str:
        """The canonical text of one value.

        Raises:
            UnstableKeyError: a part has no stable form; the path starts with ``value``.
        """
        try:
            text = self._registered.plain(value)
            return text if text.isascii() else printable(text)
        except Exception:  # as above
            return canonical(value, self._registered.by_class, self._form_of)

    def supporting(self, types: Types) -> KeyGen:
        """See `KeyGenBase.supporting`; key functions that are registered win over plug-ins."""
        if not types:
            return self
        made = copy.copy(self)
        made._form_of = Forms(types)
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
        self._registered.by_class = {**self._registered.by_class, id(cls): (cls, function)}
        if cls in (dict, list, tuple):
            self._registered.plain = _flat

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


def id_of_plain(keygen: KeyGen, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The `input_id` of small plain arguments.

    Raises:
        Exception: there are others among them.
    """
    write = keygen._registered.plain
    text = f"[[{','.join([write(value) for value in args])}],{{"
    if kwargs:
        named = [(quote(name), kwargs[name]) for name in sorted(kwargs)]
        text += ",".join([f"{name}:{write(value)}" for name, value in named])
    return keygen._digest(encode(text + "}]")).hexdigest()[:HEX_DIGITS]


def parts_of(keygen: KeyGen, name: str, value: object) -> tuple[dict[str, str], bool]:
    """The texts of a value and of its parts, to tell later what has changed; as `parts` gives."""
    try:
        return {name: keygen._registered.plain(value)}, True
    except Exception:  # as above
        return parts(name, value, keygen._registered.by_class, keygen._form_of)


def takes_containers_apart(keygen: KeyGen) -> bool:
    """Whether a list, tuple or dict counts by its parts: no key function says what counts."""
    return keygen._registered.plain is plain


class KeyMaker:
    """Makes the cache keys of one function: called with an `input_id`, it returns 32 hex digits.

    The key is the digest of the JSON array ``[scheme, identity, version]`` followed by the
    `input_id`. The closing bracket ends the array, so no two of them are confused: ID ``"a:v1"`` is
    not ID ``"a"`` of version ``"v1"``.

    Args:
        identity: the function's identity, or any text in its place.
        version: the version of its logic; None is not ``""``.
        digest: see `KeyGen`.

    Attributes:
        begun: the digest that each key is a copy of, which goes on with the `input_id`.

    Raises:
        ConfigError: the digest is unknown.
    """

    __slots__ = ("begun",)

    def __init__(self, identity: str, version: str | None = None, digest: str = "sha256") -> None:
        head = json.dumps([KEY_SCHEME, identity, version], separators=(",", ":"))
        self.begun = _digest_named(digest)(head.encode())

    def __call__(self, input_id: str) -> str:
        """The cache key of the call with this `input_id`."""
        digest = self.begun.copy()
        digest.update(input_id.encode("utf-8", "surrogatepass"))  # `utf8`, not called
        return digest.hexdigest()[:HEX_DIGITS]


def _flat(value: object) -> str:
    return FLAT[type(value)](value)


def _digest_named(name: str) -> Digest:
    try:
        return DIGESTS[name]
    except (KeyError, TypeError):
        known = ", ".join(DIGESTS)
        raise ConfigError(f"there is no key digest {name!r}: use one of {known}") from None


def _status(path: AnyPath) -> os.stat_result:
    status = os.stat(path)  # noqa: PTH116 - takes every kind of path, bytes too
    if stat.S_ISDIR(status.st_mode):
        why = "a directory can't be in a key: name the files in it"
        raise IsADirectoryError(errno.EISDIR, why, os.fsdecode(path))
    return status


_DEFAULT: Final = KeyGen()

"""A task: what a mark knows of its function, and how the function's calls become keys and bytes."""

from __future__ import annotations

import inspect
import json.encoder
import re
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh32_hexdigest

from beautyspot.concurrency.lazy import Lazily
from beautyspot.contracts.optional_arguments import hints
from beautyspot.contracts.wrong_answers import ARGUMENTS, say_whose, wrong_answer
from beautyspot.errors import (
    ConfigError,
    PluginError,
    RestoreError,
    SerializationError,
    UnstableKeyError,
)
from beautyspot.functions.identity import identify
from beautyspot.functions.names import edited_in_place, unwrap_ours
from beautyspot.keys.binding import make_binder, make_namer
from beautyspot.keys.generator import KeyMaker
from beautyspot.keys.memo import Memo
from beautyspot.serialization.annotations import return_classes
from beautyspot.serialization.payload import Payload, framed, unframed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.contracts import Entry, KeyGenBase, SerializerBase
    from beautyspot.tasks.options import MarkOptions

    FirstKey = Callable[[Any, str, tuple[str, str | None]], None]

RAW_BYTES: Final = "raw:bytes"
RAW_TEXT: Final = "raw:text"
"""The column `serializer` of a result that is stored as it is, for viewers (text: UTF-8)."""


OWN_ID: Final = "mark(key=)"
"""What stands in for the names of the arguments where `mark` was given an ID of its own."""

LARGE: Final = 1 << 16
"""Bytes or characters from which a plain result is stored as it is."""


class Call:
    """One call that was not answered at once: what the flow needs of it."""

    __slots__ = (
        *("args", "bound", "input_id", "key", "kwargs"),
        *("found", "looked", "refresh", "replaces", "saves", "task", "waited"),
    )

    def __init__(self, task: Task, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.task = task
        self.args = args
        self.kwargs = kwargs
        self.key = ""  # "" where the call has no stable key: it runs uncached
        self.input_id = ""
        self.bound: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
        self.saves = 0.0  # seconds that the execution took whose result was found
        self.found: Entry | None = None  # what a first look-up found, for the next step to take
        self.looked = False  # whether it was looked up already, and nothing was there
        self.refresh = False  # whether to run whatever is stored
        self.waited = False  # others ran since it got its key, and may have changed its arguments
        self.replaces: str | None = None  # the location of a blob that this call's result replaces


class Task:
    """A marked function: its identity, its options, and its parts.

    Attributes:
        function: the user's function.
        kind: "function", "coroutine", "generator" or "async generator".
        func_name, func_identifier: what stands in the table.
        owner: gives the Spot whose mark it is, or None where that is gone; for pickle.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        kind: str,
        options: MarkOptions,
        *,
        keygen: KeyGenBase,
        serializer: SerializerBase,
        owner: Callable[[], object],
        on_first_key: FirstKey,
    ) -> None:
        self.owner = owner
        self._on_first_key: FirstKey | None = on_first_key
        self.function = function
        self.kind = kind
        self.options = options
        self.keygen = keygen
        self._serializer = serializer
        self.ttl = options.seconds
        self.tags = options.tags
        self.content_type = options.content_type
        self._identity = identify(function)
        self.func_name = self._identity.func_name
        self.func_identifier = options.name or self._identity.func_identifier
        self._prepare_keys(function, options)
        self.streams = "generator" in kind
        self._check_stale()
        self.codec = f"stream:{serializer.name}" if self.streams else serializer.name

    def _check_stale(self) -> None:
        if not self.options.stale_on_error:
            return
        if self.streams:
            raise ConfigError(
                f"mark(stale_on_error=True) has no meaning for {self.func_identifier}, which is a "
                "generator: its items have been passed on when it raises. Leave it out"
            )
        if self.ttl is None:
            raise ConfigError(
                f"mark(stale_on_error=True) has no meaning for {self.func_identifier}: without a "
                "ttl no result expires: give mark(ttl=), or a ttl of the Spot"
            )

    @Lazily
    def serializer(self) -> SerializerBase:
        """The serializer, which restores what stands in the function's return annotation.

        Followed up when first needed: a class may be defined below the function that returns it.
        """
        classes = [self._user] if isinstance(self._user, type) else return_classes(self._user)
        return self._serializer.vouching(classes)

    def _prepare_keys(self, function: Callable[..., Any], options: MarkOptions) -> None:
        per_argument: Mapping[str, Callable[[Any], object]] = {}
        self._id_of: Callable[..., object] | None = None
        if isinstance(options.key, str):
            fixed = options.key
            self._id_of = lambda *args, **kwargs: fixed
        elif callable(options.key):
            self._id_of = options.key
        elif options.key is not None:
            per_argument = options.key
        self._user = unwrap_ours(function)  # a limit between us and it changes no signature
        self.bind = make_binder(self._user, ignore=options.ignore, key_of=per_argument)
        self._name = make_namer(self._user, ignore=options.ignore)
        self._version = None if options.version is None else str(options.version)
        self._key_maker: KeyMaker | None = None
        self.memo = Memo()

    # ------------------------------------------------------------------- to another process

    def sent(self) -> tuple[Any, ...]:
        """What makes the same task elsewhere: function, options, and who it is."""
        names = self.func_name, self.func_identifier, self.version
        return self.function, self.options, (*names, self._identity.sent())

    def take_identity(self, sent: tuple[str, str, str | None, Any]) -> None:
        """Be who the sender was: the function's module has another name here, and no source."""
        self.func_name, self.func_identifier, self._version, identity = sent
        self._identity.take(identity)

    # -------------------------------------------------------------------------------- keys

    @property
    def version(self) -> str | None:
        """The version as it stands in the table; "auto" is followed up at the first call.

        In a notebook or at a prompt at every call: there a helper is edited while the program runs.
        """
        if self._version != "auto":
            return self._version
        from beautyspot.functions.code import (
            version_auto,  # parses sources: few functions ask for it
        )

        version = f"auto:{version_auto(self.function)}"
        if not edited_in_place(self._user):
            self._version = version
        return version

    def address(self, call: Call) -> None:
        """Give the call its `bound` arguments, its `input_id` and its `key`.

        Raises:
            TypeError: the arguments do not fit the function's signature.
            UnstableKeyError: an argument has no stable form.
        """
        call.bound = self.bind(*call.args, **call.kwargs)
        known = self.memo.get(call.bound[0]) if not call.bound[1] else None
        if known is not None:
            call.key, call.input_id = known
            return
        call.input_id = self._input_id(call)
        call.key = self._maker()(call.input_id)
        if self._id_of is None and self._key_maker is not None and not call.bound[1]:
            self.memo.put(call.bound[0], (call.key, call.input_id))

    def has_moved(self, call: Call) -> bool:
        """Whether the call has another key by now: an argument was changed since it got one."""
        again = Call(self, call.args, call.kwargs)
        try:
            self.address(again)
        except Exception:
            return True
        return again.key != call.key

    def _input_id(self, call: Call) -> str:
        if self._id_of is None:
            return self._made_id(*call.bound)
        try:
            given = self._id_of(*call.args, **call.kwargs)
        except Exception as error:
            say_whose(error, OWN_ID, self.func_identifier, ARGUMENTS)
            raise
        return given if type(given) is str else self._made_id((given,), {})

    def _made_id(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        made = self.keygen.input_id(args, kwargs)
        if isinstance(made, str):
            return made
        raise PluginError(wrong_answer(self.keygen, "input_id", made, "the ID", "return a str"))

    def _maker(self) -> KeyMaker:
        """What makes keys of input IDs; a new one each time for a function that holds values."""
        if self._key_maker is not None:
            return self._key_maker
        parts = [self.func_identifier]
        if self._identity.anonymous and self._identity.code and self.options.name is None:
            parts.append(self._identity.code)
        held = self._held()
        if held:
            parts.append(self._made_id((), held))
        name = parts[0] if len(parts) == 1 else _to_json(parts)
        version = self.version
        if self._on_first_key is not None:
            if self.options.version != "auto" and (len(parts) == 1 or self.options.name):
                self._on_first_key(self._identity.named, self.func_identifier, (name, version))
            self._on_first_key = None
        maker = KeyMaker(name, version, getattr(self.keygen, "digest", "sha256"))
        if self._version != "auto" and self._identity.may_capture <= set(self.options.ignore):
            self._key_maker = maker
        return maker

    def _held(self) -> dict[str, Any]:
        """What the function holds beside its arguments, less what the user leaves out."""
        if not self._identity.anonymous:
            return {}
        captured = self._identity.captures()
        return {name: value for name, value in captured.items() if name not in self.options.ignore}

    def fits(self, call: Call) -> bool:
        """Whether the call's arguments fit the function's signature."""
        try:
            inspect.signature(self.function).bind(*call.args, **call.kwargs)
        except (TypeError, ValueError):
            return False
        return True

    def arguments(self, call: Call) -> dict[str, Any]:
        """The call's normalised arguments by name."""
        return self._name(*call.bound)

    @property
    def has_own_id(self) -> bool:
        """Whether `key=` gives an ID in place of the arguments."""
        return self._id_of is not None

    def counted(self, call: Call) -> dict[str, Any]:
        """What the key is made of, by name: the arguments, or `key=`'s own ID in place of them."""
        if self._id_of is None:
            return self.arguments(call)
        return {OWN_ID: self._id_of(*call.args, **call.kwargs)}

    def advice(self, call: Call, error: UnstableKeyError) -> str:
        """How to leave out what has no stable form."""
        return f"if that part changes no result, write mark(ignore={self._remedy(call, error)})"

    def _remedy(self, call: Call, error: UnstableKeyError) -> str:
        """The `ignore=` that would leave out what has no stable form, ready to be copied."""
        found = re.match(_UNSTABLE, error.path)
        if found is None or self._id_of is not None:  # what the user's own key= returned
            return "…"
        name = found["name"] or self._parameter(call, int(found["position"]))
        entry = f"{name}.{found['attribute']}" if found["attribute"] else name
        return f'("{entry}",)'

    def _parameter(self, call: Call, position: int) -> str:
        """The name of a positional argument; what ``*args`` took goes by the name of that."""
        names = list(self._name(call.bound[0], {}))
        return names[min(position, len(names) - 1)] if names else f"args[{position}]"

    def argument_digests(self, call: Call) -> str | None:
        """One short digest an argument, as a JSON object: tells which one differs, stores none."""
        if self._id_of is not None:
            return None
        canonical = self.keygen.canonical
        try:
            digests = [
                f'{_quoted(name)}:"{xxh32_hexdigest(canonical(value).encode())}"'
                for name, value in self.arguments(call).items()
            ]
        except Exception:  # no canonical text, by another key generation: `explain` says less
            return None
        return f"{{{','.join(digests)}}}"

    # ------------------------------------------------------------------------------- bytes

    def encode(self, value: Any) -> Payload:
        """A result's bytes; a stream comes as the list of its items' bytes.

        Raises:
            SerializationError: the value has no faithful stored form.
        """
        if self.streams:
            return Payload(framed(value), self.codec)
        plain = self._as_it_is(value)
        if plain is not None:
            return plain
        data = self.serializer.dumps(value)
        if not isinstance(data, bytes | bytearray | memoryview):
            kind = type(data).__name__
            raise SerializationError(f"{self._serializer!r} gave {kind} in place of bytes: mend it")
        return Payload(data, self.codec)

    def _as_it_is(self, value: Any) -> Payload | None:
        """Bytes or text that need no serializer: media for a viewer, and what is large.

        Packing a large one only copies it, several times. Another serializer than ours may do
        more, such as compressing, so it is not passed by.
        """
        kind = type(value)
        if kind is not bytes and kind is not str:
            return None
        if self.content_type is None and (len(value) < LARGE or self._serializer.name != "msgpack"):
            return None
        if kind is bytes:
            return Payload(value, RAW_BYTES)
        try:
            return Payload(value.encode(), RAW_TEXT)
        except UnicodeEncodeError:  # lone surrogates: the serializer has a form for them
            return None

    def restore(self, payload: Payload) -> Any:
        """The value of a payload; of a stream the list of its items.

        Raises:
            RestoreError: damaged, or stored by another serializer or another kind of function.
        """
        data, codec, owned = payload
        if owned:
            return self.serializer.loads(data, **self._owned)
        if codec == self.codec:
            if self.streams:
                return [self.serializer.loads(item) for item in unframed(data)]
            return self.serializer.loads(data)
        if codec == RAW_BYTES and not self.streams:
            return bytes(data)
        if codec == RAW_TEXT and not self.streams:
            return str(data, "utf-8")
        raise RestoreError(f"the result was stored by {codec!r}, and {self.codec!r} can't read it")

    def takes_over(self, codec: str) -> bool:
        """Whether a value stored by `codec` may be built upon its data, where nobody has them."""
        return codec == self.codec and not self.streams and bool(self._owned)

    @Lazily
    def _owned(self) -> dict[str, Any]:
        """What tells the serializer that data are its own, if it takes that."""
        return hints(self.serializer.loads, owned=True)

    def wants_blob(self, size: int, threshold: int) -> bool:
        """Whether a result of `size` bytes goes to the blob storage."""
        forced = self.options.save_blob
        return size > threshold if forced is None else forced

    def blob_type(self, codec: str | None) -> str:
        """The Content-Type of a blob; a result that is no raw media is opaque to a viewer."""
        raw = self.content_type is not None and codec in (RAW_BYTES, RAW_TEXT)
        return str(self.content_type) if raw else "application/octet-stream"

    def extension(self, codec: str | None) -> str:
        """The file extension of a blob, fitting its Content-Type."""
        if codec not in (RAW_BYTES, RAW_TEXT):
            return "stream" if self.streams else self._serializer.name
        if self.content_type is None:
            return "bin" if codec == RAW_BYTES else "txt"
        return extension_of(self.content_type)


def extension_of(content_type: str) -> str:
    """The file extension, without its dot, by which a viewer knows a MIME type."""
    import mimetypes  # reads the system's tables when first used

    kind = content_type.partition(";")[0].strip().lower()
    guess = _EXTENSIONS.get(kind) or mimetypes.guess_extension(kind) or ""
    return guess.lstrip(".") or ("txt" if kind.startswith("text/") else "bin")


_EXTENSIONS: Final = {
    "audio/wav": "wav",  # the tables of some systems know only audio/x-wav
    "image/webp": "webp",
    "text/vnd.mermaid": "mmd",
    "text/markdown": "md",
}


_UNSTABLE: Final = (
    r"(?:args\[(?P<position>\d+)\]|kwargs\['(?P<name>\w+)'\])(?:\.(?P<attribute>[^\W\d]\w*))?"
)
"""The path of an `UnstableKeyError`: which argument, and which attribute of it."""

_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode
_quoted: Final = json.encoder.encode_basestring_ascii

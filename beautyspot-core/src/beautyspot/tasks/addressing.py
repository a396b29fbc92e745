"""`Addressing`: how the calls of a marked function become keys."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeGuard

from beautyspot.concurrency.lazily import Lazily
from beautyspot.contracts.calling import ARGUMENTS, say_whose, wrong_answer
from beautyspot.errors import PluginError
from beautyspot.functions.bound import taken_apart
from beautyspot.functions.identity import Identity
from beautyspot.functions.names import (
    captured_names,
    innermost_function,
    is_without_file,
    unwrap_ours,
)
from beautyspot.functions.source_files import file_digest
from beautyspot.keys.binding import bound_names, make_binder, make_namer
from beautyspot.keys.canonical import Without
from beautyspot.keys.generator import KeyGen, KeyMaker, id_of_plain, takes_containers_apart
from beautyspot.keys.memo import FLAT, Memo
from beautyspot.tasks.items import place_in_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.contracts import KeyGenBase
    from beautyspot.keys.added import Added
    from beautyspot.keys.binding import Changes
    from beautyspot.keys.memo import Address
    from beautyspot.tasks.followed_code import FollowedCode
    from beautyspot.tasks.options import MarkOptions

    Bound = tuple[tuple[Any, ...], dict[str, Any]]
    FirstKey = Callable[[Any, str, tuple[str, str | None]], Callable[[], bool]]

    class Addressed(Protocol):
        """A call that gets a key."""

        args: tuple[Any, ...]
        kwargs: dict[str, Any]
        bound: Bound
        own_id: object
        input_id: str
        key: str
        digests: str | None
        arguments: str | None


OWN_ID: Final = "mark(key=)"
"""What stands in for the names of the arguments where `mark` was given an ID of its own."""

_DIGITS: Final = 16
"""Of a digest of code: there is one in each row, and it need only tell versions of one function."""

_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode


def _globals_in(options: MarkOptions, function: Any) -> set[str]:
    """The globals that `ignore=` names, where the version follows them."""
    inner = innermost_function(function) if options.version == "auto" else None
    if inner is None:
        return set()
    own = {*inner.__code__.co_varnames, *captured_names(function)}
    return {name for name in options.ignore if name in inner.__globals__ and name not in own}


def _is_ours(keygen: KeyGenBase) -> TypeGuard[KeyGen]:
    """Whether IDs are made as by `KeyGen`: a class that inherits from it may make others."""
    return isinstance(keygen, KeyGen) and type(keygen).input_id is KeyGen.input_id


class Addressing:
    """Turns the calls of one function into keys.

    Args:
        function: the user's function.
        options: of its mark.
        keygen: turns arguments into input IDs.
        on_first_key: called once, with the function, its identifier, and its name and version,
            where these two alone are its identity; gives `is_shared`.
        on_first_call: called before that, whatever its identity is.

    Attributes:
        func_name, func_identifier: the function's names in the table of results.
        earlier: the identifiers that it had before.
        bind: normalises a call's arguments.
        memo: the keys of earlier calls with small, plain arguments.
        is_shared: whether another function with this one's identity was called, and that was said.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        options: MarkOptions,
        keygen: KeyGenBase,
        on_first_key: FirstKey,
        on_first_call: Callable[[], object],
    ) -> None:
        self.keygen = keygen
        self._function = function
        self._bound = taken_apart(function)
        options = options.written_in(self._bound.func)
        self._globals = _globals_in(options, self._bound.func)
        ignore = tuple(name for name in options.ignore if name not in self._globals)
        self._options = options = replace(options, ignore=ignore)
        self._on_first_key: FirstKey | None = on_first_key
        self._on_first_call = on_first_call
        self.is_shared: Callable[[], bool] = bool
        self._identity = Identity(self._bound.func)
        self.func_name = self._identity.func_name
        self.func_identifier = options.name or self._identity.func_identifier
        self.earlier = options.renamed_from
        self._version = None if options.version is None else str(options.version)
        per_argument: Mapping[str, Callable[[Any], object]] = {}
        self._id_of: Callable[..., object] | None = None
        if isinstance(options.key, str):
            fixed = options.key
            self._id_of = lambda *args, **kwargs: fixed
        elif callable(options.key):
            self._id_of = options.key
        elif options.key is not None:
            per_argument = options.key
        user = unwrap_ours(function)  # a limiter between the mark and it changes no signature
        self.bind = make_binder(user, ignore=options.ignore, key_of=per_argument)
        self._name = make_namer(user, ignore=options.ignore)
        self._added = self._added_to(user, per_argument) if options.added else None
        self._key_maker: KeyMaker | None = None
        self._is_of_another_process = self._has_changed = False
        self._ours = keygen if _is_ours(keygen) else None
        ours = self._ours
        self.memo = Memo(None if ours is None else partial(takes_containers_apart, ours))

    def _added_to(self, user: Callable[..., Any], key_of: Changes) -> Added:
        from beautyspot.keys.added import Added  # few functions need it

        return Added(
            user,
            self._options.added or {},
            ignore=self._options.ignore,
            key_of=key_of,
            id_of=lambda value: self._input_id((value,), {}),
        )

    def sent(self) -> tuple[Any, ...]:
        """The identity, for `take` in another process."""
        return self.func_name, self.func_identifier, self.version, self.code, self._identity.sent()

    def take(self, sent: tuple[Any, ...]) -> None:
        """Have the identity of the sender: here its module has another name, and no source."""
        self.func_name, self.func_identifier, self._version, code, identity = sent
        self._is_of_another_process = True
        vars(self).update(code=code)
        self._identity.take(identity)

    @property
    def version(self) -> str | None:
        """The version in the table of results; "auto" is looked up at the first call.

        In a notebook or at a prompt at every call: there a helper is edited while the program runs.
        """
        if self._version != "auto":
            return self._version
        version = self._current_version()
        if not is_without_file(unwrap_ours(self._function)):
            self._version = version
        return version

    def _current_version(self) -> str:
        return f"auto:{self._followed.version()}"

    def has_new_version(self, call: Addressed) -> bool:
        """Whether what `version="auto"` follows has changed since the call got its key.

        Other code may set a global that the function reads, while the program runs. To ask walks
        through all that the version follows. Another thread may have noticed the change first.
        """
        known = self._version
        if self._options.version != "auto" or known == "auto" or self._is_of_another_process:
            return False
        found = self._current_version()
        if found != known:
            self._has_changed = True
            self._version = found  # before the rest: see `_maker`
            self._key_maker = None
            self.memo.forget()
        return self._has_changed and self.has_moved(call)

    @Lazily
    def code(self) -> str | None:
        """The digest of the function's source, and of its file, for the table of results.

        Whatever the version is: it tells whether a stored result was made by other code. None where
        the function has no source.
        """
        try:
            from beautyspot.functions.code.digest import source_digest  # parses: at the first miss

            source = source_digest(self._identity.named)
        except Exception:  # such as too many open files: no reason to lose a result
            return None
        return source and f"{source[:_DIGITS]}:{file_digest(self._identity.named)}"

    def has_changed(self, code: str | None) -> bool:
        """Whether other code made the result with this `code` in its row; False if unknown."""
        if code is None:
            return False
        source, _, file = code.partition(":")
        if file and file == file_digest(self._identity.named):
            return False  # nothing is parsed at a start that finds all stored
        own = self.code
        return own is not None and own.partition(":")[0] != source

    # -------------------------------------------------------------------------------- keys

    def address(self, call: Addressed, bound: Bound | None = None) -> None:
        """Give the call its `bound` arguments, its `input_id` and its `key`.

        Args:
            call: the call.
            bound: what `bind` gives for it, where the memo was asked already, and does not know it.

        Raises:
            TypeError: the arguments do not fit the function's signature.
            UnstableKeyError: an argument has no stable form.
        """
        known: Address | None = None
        if bound is None:
            bound = self.bind(*call.args, **call.kwargs)
            known = self.memo.get(*bound)
        call.bound = bound
        if self._id_of is not None:
            call.own_id = self._own_id(call.args, call.kwargs)
        call.key, call.input_id = known or self._address(bound, call.own_id)

    def keys(self, calls: list[tuple[Any, ...]]) -> list[str] | None:
        """The keys of many calls of positional arguments, "" for none, as `address` makes them.

        None where it can't make them in bulk: also before the first call has its key.
        """
        maker, keygen = self._key_maker, self.keygen
        special = self._id_of is not None or self._added is not None
        if maker is None or special or self._options.version == "auto":
            return None
        return keygen.keys(calls, self.bind, maker) if _is_ours(keygen) else None

    def has_moved(self, call: Addressed) -> bool:
        """Whether the call has another key by now: an argument was changed since it got one."""
        try:
            bound = self.bind(*call.args, **call.kwargs)
            own = None if self._id_of is None else self._own_id(call.args, call.kwargs)
            return (self.memo.get(*bound) or self._address(bound, own))[0] != call.key
        except Exception:
            return True

    def _address(self, bound: Bound, own_id: object) -> tuple[str, str]:
        positional, named = bound
        if named or not FLAT.issuperset(map(type, positional)):
            known = self._remembered(positional, named)
            if known is not None:
                return known
        if self._id_of is not None:
            input_id = own_id if type(own_id) is str else self._input_id((own_id,), {})
        elif self._added is None:
            input_id = self._input_id(positional, named)
        else:
            input_id = self._input_id(*self._added.left_out(positional, named))
        code = "" if self._id_of else self._code_in((*positional, *named.values()))
        maker = self._maker()
        address = maker(f"{input_id}:{code}" if code else input_id), input_id
        if self._id_of is None and self._key_maker is maker and not named:
            self.memo.put(positional, address)
            self._forget_unless(maker)
        return address

    def _forget_unless(self, maker: KeyMaker) -> None:
        """Forget what was just remembered, if another thread found a new version meanwhile."""
        if self._key_maker is not maker:
            self.memo.forget()

    def _remembered(self, args: tuple[Any, ...], named: dict[str, Any]) -> Address | None:
        """The address of a call with small plain containers, remembered from now on."""
        keygen, maker = self._ours, self._key_maker
        if keygen is None or maker is None or self._id_of is not None or self._added is not None:
            return None

        def make(args: tuple[Any, ...], named: dict[str, Any]) -> Address:
            input_id = id_of_plain(keygen, args, named)
            return maker(input_id), input_id

        address = self.memo.add(args, named, make)
        self._forget_unless(maker)
        return address

    def _code_in(self, values: tuple[Any, ...]) -> str:
        """What the code in the arguments comes to, where the version follows code; "" for none."""
        return self._followed.of(values) if self._options.version == "auto" else ""

    @Lazily
    def _followed(self) -> FollowedCode:
        from beautyspot.tasks.followed_code import FollowedCode  # parses sources: rarely needed

        ignore = {*self._options.ignore, *self._globals}
        return FollowedCode(unwrap_ours(self._function), self.keygen, ignore)

    def _own_id(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        assert self._id_of is not None  # noqa: S101 - the callers ask
        try:
            return self._id_of(*args, **kwargs)
        except Exception as error:
            say_whose(error, OWN_ID, self.func_identifier, ARGUMENTS)
            raise

    def _input_id(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        made = self.keygen.input_id(args, kwargs)
        if isinstance(made, str):
            return made
        raise PluginError(wrong_answer(self.keygen, "input_id", made, "the ID", "return a str"))

    def _held(self) -> dict[str, Any]:
        """What the function captured and is part of the key, as it is at this moment."""
        if self._is_named_by_user or not self._identity.anonymous:
            return {}
        options, identity = self._options, self._identity
        captured = identity.captures()
        left_out = {*options.ignore, *(("<class>",) if options.name else ())}  # it is code
        less = tuple(f"<captured {name}>" for name in options.ignore)
        if identity.is_wrapper:
            less += ("<annotation of return>",)

        def marked(value: Any) -> Any:
            paths = less if type(value) is FunctionType else ()
            formless = identity.is_others_wrapper
            return Without(value, paths, formless=formless) if paths or formless else value

        return {name: marked(item) for name, item in captured.items() if name not in left_out}

    @property
    def _may_hold(self) -> bool:
        """Whether captured values may be part of the key, and change from call to call."""
        captured = not self._identity.may_capture <= set(self._options.ignore)
        return captured and not self._is_named_by_user

    @property
    def _is_named_by_user(self) -> bool:
        """Whether name and ID are the user's, so that nothing else counts."""
        return self._options.name is not None and self._id_of is not None

    @property
    def _is_alone(self) -> bool:
        """Whether no argument that is bound to the function tells it from another one."""
        return bound_names(self._bound) <= set(self._options.ignore)

    def _maker(self) -> KeyMaker:
        """What makes keys of input IDs; a new one each time for a function that holds values."""
        if self._key_maker is not None:
            return self._key_maker
        options, identity = self._options, self._identity
        name = self._whole_name(self.func_identifier, with_code=options.name is None)
        version = self.version
        tell = self._on_first_key  # another thread may be here too, and drop it
        if tell is not None:
            self._on_first_call()
            if (
                options.version != "auto"
                and (name == self.func_identifier or options.name)
                and self._is_alone
            ):
                self.is_shared = tell(identity.named, self.func_identifier, (name, version))
            self._on_first_key = None
        maker = self._maker_of(name, version)
        if self._version != "auto" and identity.settled and not self._may_hold:
            self._key_maker = maker
            if self._version != version:  # another thread has found a new one
                self._key_maker = None
        return maker

    def _whole_name(self, identifier: str, *, with_code: bool) -> str:
        """An identifier with all that tells the function apart beside it, and is no argument."""
        identity, held = self._identity, self._held()
        parts = [identifier]
        if identity.anonymous and identity.code and with_code:
            parts.append(identity.code)
        if held:
            parts.append(self._input_id((), held))
        return identifier if len(parts) == 1 else _to_json(parts)

    def _maker_of(self, name: str, version: str | None) -> KeyMaker:
        if self._options.each:
            name = _to_json([name, self._of_items])
        return KeyMaker(name, version, getattr(self.keygen, "digest", "sha256"))

    @property
    def is_local(self) -> bool:
        """Whether the function is a lambda, or made by another function."""
        return "<" in self._identity.func_identifier

    def earlier_keys(self, call: Addressed) -> list[str]:
        """The keys of the call under the identifiers of `renamed_from=`, the first of them first.

        A function that its name does not lead to may have had a `name=` before, so that its code
        did not count.
        """
        positional, named = call.bound
        code = "" if self._id_of else self._code_in((*positional, *named.values()))
        ends, version = f"{call.input_id}:{code}" if code else call.input_id, self.version
        names = [
            self._whole_name(earlier, with_code=with_code)
            for earlier in self.earlier
            for with_code in (True, False)
        ]
        return [self._maker_of(name, version)(ends) for name in dict.fromkeys(names)]

    @Lazily
    def _of_items(self) -> dict[str, int | str]:
        return place_in_key(self._function, self._options)

"""`Addressing`: how the calls of a marked function become keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency.lazily import Lazily
from beautyspot.contracts.backend import ARGUMENTS, say_whose
from beautyspot.contracts.foreign import moment_in
from beautyspot.errors import UnstableKeyError
from beautyspot.functions.identity import Identity, file_digest, taken_apart
from beautyspot.functions.names import innermost_function, may_be_edited, unwrap_ours
from beautyspot.keys.binding import Binding, added_texts
from beautyspot.keys.generator import KeyGen, KeyMaker, ours_for
from beautyspot.keys.memo import CALLS, FLAT, LONGEST, ZEROS, written
from beautyspot.keys.walk import less_captured

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import KeyGenBase
    from beautyspot.keys.binding import Bound
    from beautyspot.keys.memo import Flat, Memo
    from beautyspot.keys.walk import Walk
    from beautyspot.tasks.following import Following
    from beautyspot.tasks.options import MarkOptions

    FirstKey = Callable[[Any, str, tuple[str, str | None]], object]


OWN_ID: Final = "mark(key=)"
"""What stands in for the names of the arguments where `mark` was given an ID of its own."""

_DIGITS: Final = 16
"""Of a digest of code: there is one in each row, and it need only tell versions of one function."""

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode


class Addressed:
    """A call that gets a key: what that is made of, and the key."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    # Of the class, where a call has them as most do: to set thirty attributes takes microseconds.
    key = ""  # "" where the call has no stable key: it runs uncached
    input_id = ""
    version: str | None = None  # of its function, as it is in the key
    digests: str | None = None  # of its arguments, as they were before it ran
    arguments: str | None = None  # the same for people
    texts: dict[str, str] | None = None  # of them, by name, where the key was made of these
    walk: Walk | None = None  # which wrote these, where they are not all flat
    held: Mapping[str, str] = NOTHING  # the texts of what the function captured, by path
    code = ""  # a digest of the code in the arguments, where the version follows code
    own_id: object = None  # what `key=` gave in their place
    bound: Bound = ((), {})
    is_flat = False  # all that is bound, as far as that is known: then nobody can change it
    waited = False  # others ran since it got its key, and may have changed its arguments


class Addressing:
    """Turns the calls of one function into keys.

    Args:
        function: the user's function.
        options: of its mark.
        keygen: says what tells values apart.
        on_first_key: called once, with the function, its identifier, and its name and version,
            where these two alone are its identity.
        on_first_call: called before that, whatever its identity is.

    Attributes:
        func_name, func_identifier: the function's names in the table of results.
        earlier: the identifiers that it had before.
        version: in the table of results; that of "auto" is known once a call has a key.
        follows: whether the version follows the code.
        bind: normalises a call's arguments.
        memo: the keys of earlier calls with small, plain arguments.
        is_local: whether the function is a lambda, or made by another function.
        has_own_id: whether `key=` gives an ID in place of the arguments.
        changed: what calls in this process have changed of their own keys, with what to write.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        options: MarkOptions,
        keygen: KeyGenBase,
        on_first_key: FirstKey,
        on_first_call: Callable[[], object],
    ) -> None:
        self._keygen = ours_for(keygen)
        self._is_ours = self._keygen is keygen
        self._function = user = unwrap_ours(function)  # a limiter changes no signature
        target = taken_apart(function).func
        self._options = options
        self._on_first_key: FirstKey | None = on_first_key
        self._on_first_call = on_first_call
        self._identity = Identity(target)
        self.func_name = self._identity.func_name
        self.func_identifier = options.name or self._identity.func_identifier
        self.is_local = "<" in self._identity.func_identifier
        self.earlier = options.renamed_from
        self.version = None if options.version is None else str(options.version)
        self.follows = self._is_open = options.version == "auto"
        key = options.key
        self.has_own_id = isinstance(key, str) or callable(key)
        per_argument = key if isinstance(key, Mapping) else {}
        self._keyed = frozenset(per_argument)
        # What the version follows may be named as well.
        inner = innermost_function(target) if self.follows else None
        known: Mapping[str, Any] = {} if inner is None else inner.__globals__
        self._binding = Binding(user, ignore=options.ignore, key_of=per_argument, known=known)
        self.bind = self._binding.bind
        self._added = added_texts(
            user,
            options.added or {},
            ignore=options.ignore,
            key_of=per_argument,
            text_of=self._keygen.canonical,
        )
        self._is_by_texts = self._is_ours and not self.has_own_id
        self._id_of_flat: Callable[[Mapping[str, str]], str] = (
            partial(self._keygen.id_of, less=self._added)
            if self._added
            else self._keygen.id_of_all(self._binding.names)
        )
        self._key_maker: KeyMaker | None = None
        self.memo: Memo = {}
        self.changed: dict[str, str] = {}

    def sent(self) -> tuple[Any, ...]:
        """The identity, for `take` in another process."""
        version = self._found_version()
        return self.func_name, self.func_identifier, version, self.code, self._identity.sent()

    def take(self, sent: tuple[Any, ...]) -> None:
        """Have the identity of the sender: here its module has another name, and no source."""
        self.func_name, self.func_identifier, self.version, code, identity = sent
        self.follows = self._is_open = False
        vars(self).update(code=code)
        self._identity.take(identity)

    # --------------------------------------------------------------------- version and code

    def _found_version(self) -> str | None:
        """The version, for which "auto" is looked up at the first call.

        In a notebook or at a prompt at every call: there a helper is edited while the program runs.
        """
        if self._is_open:
            self.version = self._following.version()
            self._is_open = may_be_edited(self._function)
        return self.version

    @Lazily
    def _following(self) -> Following:
        from beautyspot.tasks.following import Following  # parses sources: rarely needed

        return Following(self._function, self._keygen, self._binding.variables)

    def _forget_version(self) -> None:
        """Have the next call look up what `version="auto"` comes to."""
        self._is_open, self._key_maker = self.follows, None
        self.memo.clear()

    @Lazily
    def code(self) -> str | None:
        """The digest of the function's source, and of its file, for the table of results.

        Whatever the version is: it tells whether a stored result was made by other code. None where
        the function has no source.
        """
        try:
            from beautyspot.functions.code import source_digest  # parses: at the first miss

            source = source_digest(self._identity.named)
        except Exception:  # such as too many open files: no reason to lose a result
            return None
        return source and f"{source[:_DIGITS]}:{file_digest(self._identity.named)}"

    def has_changed(self, code: str | None) -> bool:
        """Whether other code made the result with this `code` in its row; False if unknown."""
        source, _, file = (code or "").partition(":")
        if not source or (file and file == file_digest(self._identity.named)):
            return False  # nothing is parsed at a start that finds all stored
        own = self.code
        return own is not None and own.partition(":")[0] != source

    # -------------------------------------------------------------------------------- keys

    def address(
        self, call: Addressed, bound: Bound | None = None, place: Flat | None = None
    ) -> None:
        """Give the call its `bound` arguments, its `input_id` and its `key`.

        Args:
            call: the call.
            bound: what `bind` gives for it, if that is known.
            place: the types and the values, where these are flat and `memo` has no key for them;
                it goes with `bound`.

        Raises:
            TypeError: the arguments do not fit the function's signature.
            UnstableKeyError: an argument has no stable form.
        """
        call.bound = values, more = bound or self.bind(*call.args, **call.kwargs)
        maker, memo, is_known = self._key_maker, self.memo, place is not None
        if bound is None and not more and FLAT.issuperset(map(type, values)):
            place = (*map(type, values),), values
        call.is_flat = place is not None
        if place is None or maker is None or not self._is_by_texts:
            self._address_other(call, place)
            return
        known = None if is_known else memo.get(place)
        if known is not None:
            call.key, call.input_id, call.version = known
            return
        names = self._binding.names
        call.texts = texts = self._keygen.texts_of(dict(zip(names, values, strict=False)))
        call.input_id = input_id = self._id_of_flat(texts)
        call.key, call.version = maker(input_id), maker.version
        written = texts.values()
        if ZEROS.isdisjoint(written) and sum(map(len, written)) <= LONGEST:
            if len(memo) >= CALLS:
                memo.clear()
            memo[place] = call.key, input_id, call.version
        if self._key_maker is not maker:  # another thread has found a new version meanwhile
            memo.clear()

    def _address_other(  # noqa: C901 - one step, in its order
        self, call: Addressed, flat: Flat | None
    ) -> None:
        """The same of arguments that are not flat, or not all there is to the key."""
        held: dict[str, str] = {}
        maker, keygen = self._key_maker or self._maker(held), self._keygen
        place: object = flat
        if not (self._is_by_texts and maker is self._key_maker):
            place = None
        elif flat is None:
            place = self._place(call)
        known = None if place is None else self.memo.get(place)
        if known is not None:
            call.key, call.input_id, call.version = known
            return
        if self.has_own_id:
            call.own_id = own = self._own_id(call)
            call.input_id = self._id_of(own)
        else:
            call.input_id = keygen.id_of(self._write(call), self._added)
        walk, code = call.walk, ""
        if self.follows and walk is not None and walk.definitions:
            code = self._following.of(walk.definitions, self._binding.named(call.bound))
        call.key = maker(f"{call.input_id}:{code}" if code else call.input_id)
        call.version, call.held, call.code = maker.version, held, code
        is_plain = flat is None and walk is not None and walk.plain
        if is_plain and place is not None and place == self._place(call):
            if len(self.memo) >= CALLS:
                self.memo.clear()
            self.memo[place] = call.key, call.input_id, call.version
        if self._key_maker is not maker:
            self.memo.clear()

    def _place(self, call: Addressed) -> object:
        """What a call with small plain containers is looked up by; None where it has others."""
        data = written(call.bound)
        return None if data is None else (len(self._keygen.custom), data)

    def _write(self, call: Addressed) -> dict[str, str]:
        """Write the arguments: gives their texts."""
        call.walk, named = self._keygen.walk(), self._binding.named(call.bound)
        call.texts = self._keygen.texts_of(named, call.walk)
        if self.follows and not self._is_ours:  # which meets no code in its own way
            reading = KeyGen().walk()
            with suppress(UnstableKeyError):
                KeyGen().texts_of(named, reading)
            call.walk.definitions = reading.definitions
        return call.texts

    def keys(self, calls: list[tuple[Any, ...]]) -> list[str] | None:
        """The keys of many calls of positional arguments, "" for none, as `address` makes them.

        None where it can't make them in bulk: also before the first call has its key.
        """
        maker, bind, names = self._key_maker, self.bind, self._binding.names
        if maker is None or self.has_own_id or self.follows:
            return None
        by_columns, are_flat = self._is_ours and names and not self._added, FLAT.issuperset
        keys, places, flat = [""] * len(calls), list[int](), list[tuple[Any, ...]]()
        for place, args in enumerate(calls):
            try:
                values, more = bound = bind(*args)
                is_flat = not more and are_flat(map(type, values))
                if by_columns and is_flat:
                    flat.append(values)
                    places.append(place)
                else:
                    call = Addressed()
                    self.address(call, bound, ((*map(type, values),), values) if is_flat else None)
                    keys[place] = call.key
            except Exception:  # noqa: S110 - whoever makes the call meets it again
                pass
        for place, input_id in zip(places, self._keygen.ids_of(names, flat), strict=True):
            keys[place] = maker(input_id)
        return keys

    def earlier_keys(self, call: Addressed) -> list[str]:
        """The keys of the call under the identifiers of `renamed_from=`, in their order."""
        ends = f"{call.input_id}:{call.code}" if call.code else call.input_id
        names = [self._whole_name(earlier, {}) for earlier in self.earlier]
        return [self._maker_of(name, self.version)(ends) for name in names]

    def _id_of(self, own: object) -> str:
        return own if type(own) is str else self._keygen.id_of({}, {}, self._keygen.canonical(own))

    def _own_id(self, call: Addressed) -> object:
        key = self._options.key
        try:
            return key(*call.args, **call.kwargs) if callable(key) else key
        except Exception as error:
            say_whose(error, OWN_ID, self.func_identifier, ARGUMENTS)
            raise

    # ------------------------------------------------------------------- which function it is

    def _held(self) -> dict[str, Any]:
        """What is part of the key beside its name and its arguments, as it is at this moment."""
        options, identity, ignore = self._options, self._identity, self._binding.variables
        if (options.name is not None and self.has_own_id) or not identity.anonymous:
            return {}  # name and ID are the user's, so that nothing else counts
        left_out = {*ignore, *(("<class>", "<code>") if options.name else ())}
        less = (*ignore, "<annotation of return>")
        return {
            name: less_captured(name, item, less)
            for name, item in identity.captures().items()
            if name not in left_out
        }

    def _maker(self, held: dict[str, str]) -> KeyMaker:
        """What makes keys of input IDs; a new one each time for a function that holds values."""
        options, identity = self._options, self._identity
        name = self._whole_name(self.func_identifier, held)
        version = self._found_version()
        tell = self._on_first_key  # another thread may be here too, and drop it
        if tell is not None:
            if not self.has_own_id:
                self._refuse_moment()
            self._on_first_call()
            by_name = name == self.func_identifier or options.name is not None
            if not self.follows and by_name and self._binding.bound <= set(options.ignore):
                tell(identity.named, self.func_identifier, (name, version))
            self._on_first_key = None
        maker = self._maker_of(name, version)
        by_user = options.name is not None and self.has_own_id
        if not self._is_open and identity.settled and (by_user or not identity.holds):
            self._key_maker = maker
            if self._is_open:  # another thread has forgotten the version meanwhile
                self._key_maker = None
        return maker

    def _refuse_moment(self) -> None:
        """Raise an `UnstableKeyError` if the function reads a request, or a context."""
        inner = innermost_function(self._function)
        name = "" if inner is None or self.follows else moment_in(inner)
        name = self._following.moment if self.follows else name
        if name:
            raise UnstableKeyError(
                f"it reads {name}, which belongs to a request, a session or a context, and is no "
                "part of the key: pass what it reads as an argument",
                path=name,
            )

    def _whole_name(self, identifier: str, noted: dict[str, str]) -> str:
        """An identifier with all that tells the function apart beside it, and is no argument.

        `noted` gets the texts of that.
        """
        keygen, held = self._keygen, self._held()
        if not held:
            return identifier
        walk, wrapped = keygen.walk(), {}
        if self._identity.is_others_wrapper:
            wrapped = keygen.texts_of({"__wrapped__": held.pop("__wrapped__", None)}, walk)
            walk.lenient = True  # as `Walk.function` is of what this captured
        texts = {**wrapped, **keygen.texts_of(held, walk)}
        noted.update({**texts, **walk.noted})
        return _to_json([identifier, keygen.id_of(texts, {})])

    def _maker_of(self, name: str, version: str | None) -> KeyMaker:
        if self._options.each:
            name = _to_json([name, {"each": self._options.each}])  # not as the argument itself
        return KeyMaker(name, version, self._keygen.digest)

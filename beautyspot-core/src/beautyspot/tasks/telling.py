"""What people are told of a function's keys: what they are made of, and what spoils them."""

from __future__ import annotations

import json.encoder
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh32_hexdigest

from beautyspot.concurrency.lazily import Lazily
from beautyspot.functions.names import unwrap_ours
from beautyspot.keys.binding import make_binder
from beautyspot.keys.canonical import NO_FORM
from beautyspot.keys.generator import parts_of
from beautyspot.keys.memo import FLAT
from beautyspot.tasks.addressing import OWN_ID, Addressing
from beautyspot.tasks.advice import UNKNOWN, Advisor
from beautyspot.tasks.argument_text import argument_text, id_text
from beautyspot.tasks.watching import Watch, leads_nowhere

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot.errors import UnstableKeyError
    from beautyspot.keys.binding import Binder
    from beautyspot.tasks.addressing import Addressed

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

_quoted: Final = json.encoder.encode_basestring_ascii


class TellingAddressing(Addressing):
    """An `Addressing` that can tell people of its keys."""

    _to_check = True

    @property
    def has_own_id(self) -> bool:
        """Whether `key=` gives an ID in place of the arguments."""
        return self._id_of is not None

    def counted(self, call: Addressed) -> dict[str, Any]:
        """What the key is made of, by name: the arguments, or the ID of `key=` in their place."""
        if self._id_of is None:
            return self._name(*call.bound)
        return {OWN_ID: self._own_id(call.args, call.kwargs)}

    def tell_arguments(self, call: Addressed, *watches: Watch | None) -> None:
        """Note in the call what its arguments are: a digest of each, and a text for people.

        What is watched of them need not be written once more.
        """
        known: dict[str, str] = {}
        for watch in watches:
            known.update({} if watch is None else watch.known)
        call.digests = self.argument_digests(call, known)
        if self._options.arguments:
            call.arguments = self.argument_text(call)

    def argument_digests(self, call: Addressed, known: Mapping[str, str] = NOTHING) -> str | None:
        """One short digest an argument, as a JSON object: tells which one differs, stores none.

        Of those in `known`, that is the text.
        """
        if self._id_of is not None:
            return None
        digests: list[str] = []
        try:
            for name, value in self._name(*call.bound).items():
                text = known.get(name) or self.keygen.canonical(value)
                digests.append(f'{_quoted(name)}:"{xxh32_hexdigest(text.encode())}"')
        except Exception:  # no canonical text, by another key generation: `explain` says less
            return None
        return f"{{{','.join(digests)}}}"

    def argument_text(self, call: Addressed) -> str | None:
        """The arguments for people, or the ID of `key=` in their place; None where that fails."""
        if self._id_of is not None:
            return id_text(call.own_id)
        given = self._bind_given
        bound = call.bound if given is None else given(*call.args, **call.kwargs)
        return argument_text(self._name(*bound))

    @Lazily
    def _bind_given(self) -> Binder | None:
        """Binds the arguments as they were given, where `key=` has functions of some."""
        if not isinstance(self._options.key, dict):
            return None
        return make_binder(unwrap_ours(self._function), ignore=self._options.ignore)

    def advice(self, call: Addressed, error: UnstableKeyError) -> str:
        """How to leave out what has no stable form, with an `ignore=` ready to be copied."""
        if self._id_of is not None:
            return "have the function given as key= return a value that has a stable form"
        wrong = self._what_leads_nowhere(call)
        with suppress(Exception):  # the call is worth more than what may be said of it
            return self._advisor.advice(call, error) + (f". And {wrong}" if wrong else "")
        return UNKNOWN

    @Lazily
    def _advisor(self) -> Advisor:
        return Advisor(
            self._function,
            self._options,
            self.keygen,
            called=self.func_name,
            captured=self._identity.may_capture,
        )

    # ------------------------------------------------------------------------- what runs change

    def watch(self, call: Addressed, *, item: bool | None = None) -> Watch | None:
        """Begin to watch what the call may change of its own key; None where that is nothing.

        Most calls have flat arguments alone, which nobody can change.

        Args:
            call: the call, whose function runs next.
            item: True for the item of `each=` alone, False for all but that.
        """
        positional, named = call.bound
        follows = self._options.version == "auto" and not self._is_of_another_process
        if self._key_maker is not None and not follows:
            flat = FLAT.issuperset(map(type, positional))
            if self._id_of or (flat and FLAT.issuperset(map(type, named.values()))):
                return None
        parts = self._parts_by_id if self._ours is None else partial(parts_of, self._ours)
        code = self._followed.records if follows and not item else None
        return Watch(parts, lambda: self._watched(call, item), code)

    def _watched(self, call: Addressed, item: bool | None) -> dict[str, Any]:
        """The arguments that may change, and what the function captured; not what `key=` says."""
        held = {} if item else self._held()
        found = {name: value for name, value in held.items() if not name.startswith("<")}
        if self._id_of is not None:
            return found
        if self._ours is None:
            return {**found, "": call.bound}
        each, key = self._options.each, self._options.key
        for name, value in self._name(*call.bound).items():
            keyed = isinstance(key, dict) and name in key
            if type(value) not in FLAT and not keyed and item in (None, name == each):
                found[name] = value
        return found

    def _parts_by_id(self, name: str, value: Any) -> tuple[dict[str, str], bool]:
        """As `parts_of`, by a key generation that tells of arguments only as a whole."""
        args, named = value if name == "" else ((value,), {})
        try:
            return {name: self._input_id(args, named)}, False
        except Exception:  # of the user's making
            return {name: NO_FORM}, False

    def changes(self, watch: Watch) -> dict[str, str]:
        """What the call that was watched has changed by now, with what to tell of it."""
        found = {change.path: self._advisor.about(change) for change in watch.changed()}
        if not found and watch.code is not None:
            followed = self._followed.changed(watch.code)
            found = dict(map(self._advisor.about_code, sorted(followed)))
        self._changed.update(found)
        return found

    @Lazily
    def _changed(self) -> dict[str, str]:
        return {}

    @property
    def about_changes(self) -> list[str]:
        """What calls in this process have changed of their own keys, and what to write."""
        return [*self._changed.values()]

    def ignores_nothing(self, call: Addressed) -> str | None:
        """What is wrong with a path of `ignore=` that leaves out nothing; asked once, after a run.

        Not before: the run may set the attribute first.
        """
        if not self._to_check or self._id_of is not None:
            return None
        self._to_check = False
        return self._what_leads_nowhere(call)

    def _what_leads_nowhere(self, call: Addressed) -> str | None:
        with suppress(Exception):  # as above
            return leads_nowhere(self._name(*call.bound))
        return None

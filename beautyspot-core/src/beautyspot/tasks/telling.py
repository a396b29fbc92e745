"""What people are told of a function's keys: what they are made of, and what spoils them."""

from __future__ import annotations

import json.encoder
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh32_hexdigest

from beautyspot.concurrency.locks import Lazily
from beautyspot.functions.names import unwrap_ours
from beautyspot.keys.binding import make_binder
from beautyspot.tasks.addressing import OWN_ID, Addressing
from beautyspot.tasks.advice import UNKNOWN, Advisor
from beautyspot.tasks.argument_text import argument_text, id_text
from beautyspot.tasks.watching import WATCHED, Watch, leads_nowhere

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot.errors import UnstableKeyError
    from beautyspot.keys.binding import Binder
    from beautyspot.tasks.addressing import Addressed

_quoted: Final = json.encoder.encode_basestring_ascii


class TellingAddressing(Addressing):
    """An `Addressing` that can tell people of its keys."""

    _to_watch = WATCHED
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

    def tell_arguments(self, call: Addressed) -> None:
        """Note in the call what its arguments are: a digest of each, and a text for people."""
        call.digests = self.argument_digests(call)
        if self._options.arguments:
            call.arguments = self.argument_text(call)

    def argument_digests(self, call: Addressed) -> str | None:
        """One short digest an argument, as a JSON object: tells which one differs, stores none."""
        if self._id_of is not None:
            return None
        canonical = self.keygen.canonical
        try:
            digests = [
                f'{_quoted(name)}:"{xxh32_hexdigest(canonical(value).encode())}"'
                for name, value in self._name(*call.bound).items()
            ]
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
        return Advisor(self._function, self._options, self.keygen, self._identity.may_capture)

    # ------------------------------------------------------------------------- what runs change

    def watch(self, call: Addressed) -> Watch | None:
        """Begin to watch what the call changes of its own key; None for most calls.

        Those with plain arguments have nothing to watch, and only the first misses are watched.
        """
        if self._to_watch <= 0 or self.memo.get(*call.bound) is not None:
            return None
        self._to_watch -= 1
        with suppress(Exception):  # as above
            return Watch(self.keygen, lambda: (self._watched(call), self._held()))
        return None

    def _watched(self, call: Addressed) -> dict[str, Any]:
        return {} if self._id_of is not None else self._name(*call.bound)

    @Lazily
    def _changing(self) -> dict[str, str | None]:
        """What calls changed of their own keys, as `Watch.changed` tells it: ``self.calls``."""
        return {}

    def say_changed(self, watch: Watch) -> str | None:
        """What to tell of the call that was watched, which has returned; None for nothing."""
        with suppress(Exception):  # as above
            changed = watch.changed()
            self._changing.update(changed)
            return self.about_changes() if changed else None
        return None

    def about_changes(self) -> str:
        """What calls changed of their own keys, and what to write; "" if nothing is known."""
        if not self._changing:
            return ""
        paths = [*self._changing]
        return (
            f"a call changed {', '.join(paths)}, which is a part of its key: the same call has "
            f"{_what_it_has(self._changing)}: change a copy, or, if that changes no "
            "result, write "
            f"{self._advisor.line(*paths)}"
        )

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


def _what_it_has(changed: Mapping[str, str | None]) -> str:
    why = next((why for why in changed.values() if why), None)
    if why is None:
        return "another key the next time, and runs again"
    return f"no key the next time, and runs uncached ({why})"

"""What people are told of a function's keys: what they are made of, and what spoils them."""

from __future__ import annotations

import json.encoder
from contextlib import suppress
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh32_hexdigest

from beautyspot.concurrency.lazily import Lazily
from beautyspot.keys.binding import is_omitted
from beautyspot.keys.memo import FLAT
from beautyspot.keys.shown import bounded, shown, shown_value
from beautyspot.keys.walk import ATTRIBUTE, CAPTURED, Without
from beautyspot.tasks.addressing import OWN_ID, Addressing, Written
from beautyspot.tasks.advice import UNKNOWN, Advisor
from beautyspot.tasks.watching import Watch, called, differing, leads_nowhere, root

if TYPE_CHECKING:
    from beautyspot.errors import UnstableKeyError
    from beautyspot.keys.walk import Walk
    from beautyspot.tasks.addressing import Addressed

_quoted: Final = json.encoder.encode_basestring_ascii


class TellingAddressing(Addressing):
    """An `Addressing` that can tell people of its keys."""

    _to_check = True

    # ------------------------------------------------------------------ what a key is made of

    def texts(self, call: Addressed) -> dict[str, str]:
        """The texts of what the key is made of: the arguments, or the ID of `key=` in their place.

        Raises:
            Exception: another key generation shows no texts.
        """
        if self.has_own_id:
            return {OWN_ID: self.keygen.canonical(self._own_id(call))}
        return {n: t for n, t in self._written(call).texts.items() if not is_omitted(t)}

    def tell_arguments(self, call: Addressed, *_watches: Watch | None) -> None:
        """Note in the call what its arguments are: a digest of each, and a text for people."""
        with suppress(Exception):  # of no text: the call is worth more
            if not self.has_own_id:
                written = self._written(call)
                call.digests = _digests(written.texts)
                if self._options.arguments:
                    call.arguments = shown(written.texts, written.definitions)
            elif self._options.arguments:
                call.arguments = bounded(shown_value("", self.keygen.canonical(call.own_id)))

    def argument_digests(self, call: Addressed) -> str | None:
        """One short digest an argument, as a JSON object: tells which one differs, stores none."""
        with suppress(Exception):  # as above
            return None if self.has_own_id else _digests(self._written(call).texts)
        return None

    def _written(self, call: Addressed) -> Written:
        """What is written of the arguments, where that is not known from the key."""
        ours, written = self._ours, call.written
        if written is not None and (written.texts or ours is not None):
            return written
        named = self._binding.named(call.bound)
        if ours is not None:
            walk = ours.walk()
            texts = ours.texts_of(named, walk)
            call.written = Written(texts, walk.noted, {}, walk.kept, "", walk.definitions)
        else:
            texts = {name: self.keygen.canonical(value) for name, value in named.items()}
            call.written = (
                Written(texts, {}, {}, {}) if written is None else written._replace(texts=texts)
            )
        return call.written

    # ------------------------------------------------------------------------- what spoils it

    def advice(self, call: Addressed, error: UnstableKeyError) -> str:
        """How to leave out what has no stable form, with an `ignore=` ready to be copied."""
        if self.has_own_id:
            return "have the function given as key= return a value that has a stable form"
        with suppress(Exception):  # the call is worth more than what may be said of it
            named = self._binding.named(call.bound)
            wrong = leads_nowhere(named)
            return self._advisor.advice(named, self._held(), error) + (
                f". And {wrong}" if wrong else ""
            )
        return UNKNOWN

    @Lazily
    def _advisor(self) -> Advisor:
        return Advisor(
            self._function,
            self._options,
            called=self.func_name,
            captured=self._identity.may_capture,
            bound=self._binding.bound,
        )

    def watch(self, call: Addressed, *, item: bool | None = None) -> Watch | None:
        """Begin to watch what the call may change of its own key; None where that is nothing.

        Most calls have flat arguments alone, which nobody can change.

        Args:
            call: the call, whose function runs next.
            item: True for the item of `each=` alone, False for all but that.
        """
        values, more = call.bound
        if self._key_maker is not None and not self.follows:
            flat = not more and FLAT.issuperset(map(type, values))
            if flat or self.has_own_id:
                return None
        if self._ours is None:
            written = call.written or Written({}, {}, {}, {})
            call.written = written._replace(noted=self._noted_now(call, written, item)[0])
        elif not self.has_own_id:
            self._written(call)
        code = self._following.records if self.follows and not item else None
        return Watch(call, call.written or Written({}, {}, {}, {}), item, code)

    def changes(self, watch: Watch) -> dict[str, str]:
        """What the call that was watched has changed by now, with what to tell of it."""
        call, written, item, code = watch
        found: dict[str, str] = {}
        if not item and self._key_maker is None:  # else it holds nothing
            held: dict[str, str] = {}
            captured = self._held()
            with suppress(Exception):  # it has no text any more
                self._whole_name("", held, with_code=False)
            for path in differing(written.held, held):
                value = captured.get(root(path))
                found[called(path)] = self._advisor.about(path, value, held=True)
        if not self.has_own_id:
            now, named = self._noted_now(call, written, item)
            before = {p: t for p, t in written.noted.items() if root(p) in named}
            broken = [path for path, text in now.items() if not text]
            for path in broken or differing(before, now):
                value = named.get(root(path))
                found[called(path)] = self._advisor.about(path, value, held=False)
        if not found and code is not None:
            pairs = sorted(self._following.changed(code))
            found = dict([self._advisor.about_code(*pair) for pair in pairs])
        self._changed.update(found)
        return found

    def _noted_now(
        self, call: Addressed, written: Written, item: bool | None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """The texts by path of what may change, "" where there is none, and the arguments."""
        each, ours = self._options.each, self._ours
        named = {
            name: value
            for name, value in self._binding.named(call.bound).items()
            if type(value) not in FLAT and name not in self._keyed and item in (None, name == each)
        }
        if ours is None:
            return {name: self._id_or_nothing(value) for name, value in named.items()}, named
        walk = ours.walk(written.kept)
        try:
            ours.texts_of(named, walk)
        except Exception:
            walk.noted[_called(walk)] = ""
        return walk.noted, named

    def _id_or_nothing(self, value: Any) -> str:
        with suppress(Exception):  # of the user's making
            return self._id_by_keygen((value,), {})
        return ""

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
        if not self._to_check or self.has_own_id:
            return None
        self._to_check = False
        with suppress(Exception):  # the call is worth more
            held = {  # of a captured function, a path may be of any that is in it
                name: item
                for name, item in self._held().items()
                if type(item) is Without and type(item.value) is not FunctionType
            }
            return leads_nowhere(held | self._binding.named(call.bound))
        return None


def _digests(texts: dict[str, str]) -> str:
    digests = []
    for name, text in texts.items():
        digest = xxh32_hexdigest(text.encode("utf-8", "backslashreplace"))
        digests.append(f'{_quoted(name)}:"{digest}"')
    return f"{{{','.join(digests)}}}"


def _called(walk: Walk) -> str:
    """What a message calls the part at which a walk has stopped, or the nearest one around it."""
    (_, name), *steps = walk.path
    called = str(name)
    if steps and steps[0][0] is ATTRIBUTE:
        called = f"{called}.{steps[0][1]}"
    for _, key in steps:
        if str(key).startswith(CAPTURED):
            called = str(key)[len(CAPTURED) : -1]
    return called

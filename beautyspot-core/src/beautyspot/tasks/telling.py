"""What people are told of a function's keys: what they are made of, and what spoils them."""

from __future__ import annotations

import json.encoder
from contextlib import suppress
from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xxhash import xxh32_hexdigest

from beautyspot.functions.names import identifier_of
from beautyspot.keys.binding import OMITTED
from beautyspot.keys.memo import FLAT
from beautyspot.keys.shown import FEW, bounded, shown, shown_value
from beautyspot.tasks.addressing import OWN_ID, Addressing
from beautyspot.tasks.advice import UNKNOWN, about, about_code, advice, called, root

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beautyspot.errors import UnstableKeyError
    from beautyspot.tasks.addressing import Addressed

_encoded: Final = str.encode
_quoted: Final = json.encoder.encode_basestring_ascii


@lru_cache(maxsize=1024)
def _digests_form(names: tuple[str, ...]) -> str:
    """A JSON object of these names, with a place for the digest of each argument."""
    members = [f"{_quoted(name)}:".replace("%", "%%") + '"%s"' for name in names]
    return f"{{{','.join(members)}}}"


class Watch(NamedTuple):
    """What a call may change of its own key, as it was when it got that.

    Attributes:
        call: the call, which keeps the texts that its key was made of.
        item: True for the item of `each=` alone, False for all but that.
        has_moved: whether that has changed already, while the call waited.
    """

    call: Addressed
    item: bool | None
    has_moved: bool


class TellingAddressing(Addressing):
    """An `Addressing` that can tell people of its keys."""

    # ------------------------------------------------------------------ what a key is made of

    def texts(self, call: Addressed) -> dict[str, str]:
        """The texts of what the key is made of: the arguments, or the ID of `key=` in their place.

        Raises:
            Exception: the user's, or of another key generation.
        """
        if self.has_own_id:
            return {OWN_ID: self._keygen.canonical(self._own_id(call))}
        texts = call.texts or self._write(call)
        return {name: text for name, text in texts.items() if not text.startswith(OMITTED)}

    # ------------------------------------------------------------------------- what spoils it

    def advice(self, call: Addressed, error: UnstableKeyError) -> str:
        """How to leave out what has no stable form, with an `ignore=` ready to be copied."""
        if self.has_own_id:
            return "have the function given as key= return a value that has a stable form"
        with suppress(Exception):  # the call is worth more than what may be said of it
            named, each = self._binding.named(call.bound), self._options.each
            return advice(self._function, each, error.path, named, self._held())
        return UNKNOWN

    def begin(  # noqa: C901 - one step, in its order: it is made at each miss
        self, call: Addressed, *, item: bool | None = None
    ) -> Watch | None:
        """Note what the arguments of a call are, and watch what it may change of its own key.

        The call gets a digest of each argument, and a text for people. There is nothing to watch of
        most calls: flat arguments nobody can change. What was written of the others when the call
        got its key is compared at the end; where nothing was, since the key was known or the
        user's, it is seen here whether the call has that key still.

        Args:
            call: the call, whose function runs next.
            item: True for the item of `each=` alone, False for all but that.
        """
        is_unwritten, has_moved = call.texts is None, False
        try:
            if not self.has_own_id:
                texts = call.texts or self._write(call)
                data = map(_encoded, texts.values(), repeat("utf-8"), repeat("backslashreplace"))
                form = _digests_form if len(texts) <= FEW else _digests_form.__wrapped__
                call.digests = form((*texts,)) % (*map(xxh32_hexdigest, data),)
                if self._options.arguments:
                    given = call.bound[0] if call.is_flat and self._is_ours else ()
                    call.arguments = shown(texts, call.walk.definitions if call.walk else (), given)
            elif self._options.arguments:
                call.arguments = bounded(shown_value("", self._keygen.canonical(call.own_id)))
        except Exception:  # noqa: S110 - of no text: the call is worth more
            pass
        if call.is_flat and self._key_maker is not None and not self.follows:
            return None
        try:
            if self.has_own_id:
                has_moved = call.waited and self._id_of(self._own_id(call)) != call.input_id
            elif is_unwritten:
                has_moved = (
                    self._keygen.id_of(call.texts or self._write(call), self._added)
                    != call.input_id
                )
        except Exception:  # it has no key any more
            has_moved = True
        return Watch(call, item, has_moved)

    def changes(self, watch: Watch) -> dict[str, str]:
        """What the call that was watched has changed by now, with what to tell of it."""
        call, item, _ = watch
        named, held = self._binding.named(call.bound), self._held()
        found: dict[str, str] = {}
        for path in self._changed_paths(watch, named):
            told = about(self._function, self.func_name, path, named, held)
            if told not in found.values():  # of an object as a whole
                found[called(path)] = told
        if not found and self.follows and not item:
            names = self._following.changed(call.version)
            given = call.walk.definitions if call.walk and not self._options.ignore else []
            # What `ignore=` names in an argument is not told from its code.
            if given and self._following.of(given, named, afresh=True) != call.code:
                names |= {identifier_of(each) for each in given}
            found = {name: about_code(self.func_name, name) for name in sorted(names)}
            if found:
                self._forget_version()
        self.changed.update(found)
        return found

    def _changed_paths(self, watch: Watch, named: dict[str, Any]) -> list[str]:
        """Where the texts of arguments and captured variables are others than in the key."""
        call, item, _ = watch
        each, paths = self._options.each, list[str]()
        if not item and self._key_maker is None:  # else it holds nothing
            now: dict[str, str] = {}
            with suppress(Exception):  # it has no text any more
                self._whole_name("", now)
            paths += _differing(call.held, now)
        if call.walk is None:  # it has an ID of its own, or nothing that may change
            return paths
        asked = {
            name: value
            for name, value in named.items()
            if type(value) not in FLAT and name not in self._keyed and item in (None, name == each)
        }
        before = {path: text for path, text in call.walk.noted.items() if root(path) in asked}
        walk = self._keygen.walk(call.walk.kept)
        try:
            self._keygen.texts_of(asked, walk)
        except Exception:  # it has no text any more, and what comes behind that is as before
            place = walk.where().partition("[")[0]  # the key of a dict may be a secret
            walk.noted = {**before, **walk.noted, place: ""}
        return paths + _differing(before, walk.noted)


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The paths whose texts are not the same, less those that have such paths beneath them."""
    paths = [path for path in {**before, **after} if before.get(path) != after.get(path)]
    return [p for p in paths if not any(q.startswith((f"{p}.", f"{p}<", f"{p}[")) for q in paths)]

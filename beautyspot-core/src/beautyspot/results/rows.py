"""`Rows`: the row of a result: its bytes, what stands beside them, and the digest of all."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from beautyspot.contracts import DIRECT_BLOB, KEY_SCHEME, TaskRecord
from beautyspot.contracts.records import clean, less_mark
from beautyspot.errors import RestoreError, SerializationError
from beautyspot.resilience.reporting import STORING
from beautyspot.results.timestamps import timestamp
from beautyspot.results.validity import begun, fingerprint
from beautyspot.serialization.file_data import FileData
from beautyspot.serialization.payload import Payload, Unfit

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.config.signing import SigningKeys
    from beautyspot.contracts import Entry
    from beautyspot.resilience.reporting import Reporter
    from beautyspot.results.validity import Digest
    from beautyspot.tasks.task import Call, Task


_clean_name: Final = lru_cache(maxsize=1024)(clean)
"""Names and versions are the same for all results of a function."""


class Rows:
    """Makes the rows of one Spot's results, and checks those that are found.

    Attributes:
        reporter: is told what has no stored form.
        clock: gives Unix time, in seconds.
        signing_keys: sign what is stored; None where it has a digest only, which finds accidents.
    """

    def __init__(
        self, reporter: Reporter, clock: Callable[[], float], signing_keys: SigningKeys | None
    ) -> None:
        self.reporter = reporter
        self.clock = clock
        self.signing_keys = signing_keys

    def encode(self, task: Task, value: object) -> Payload | None:
        """The bytes of a result, or None (reported) where it has no faithful stored form."""
        try:
            try:
                return task.form.encode(value)
            except Unfit:
                return self.encoded(task, value)
        except Exception as error:
            advice = "The value is returned, and not cached"
            if not isinstance(error, SerializationError):
                advice = "The serializer failed: the value is returned, and not cached"
            self.reporter.report(STORING, task.func_identifier, error, advice)
            return None

    def encoded(self, task: Task, value: object) -> Payload:
        """The bytes of a result.

        Raises:
            SerializationError: it has no faithful stored form.
        """
        try:
            return task.form.encode(value)
        except Unfit as unfit:
            payload = task.form.encode(value, as_media=False)
            self._say_unfit(task, value, unfit)
            return payload

    def encode_error(self, call: Call, error: Exception) -> Payload | None:
        """The bytes of an error that is a result, or None (reported) where it has no such form."""
        try:
            payload = call.task.encode_error(error)
        except Exception as why:
            advice = "Its caller gets it, and it is not cached: raise one of plain values"
            self.reporter.report(STORING, call.task.func_identifier, why, advice)
            return None
        call.terms = call.task.error_terms
        return payload

    def _say_unfit(self, task: Task, value: object, unfit: Unfit) -> None:
        name, content_type = task.func_identifier, task.form.content_type
        self.reporter.once(
            f"{name} {type(value)} {str(unfit)[:60]}",
            f"a result of {name} ({type(value).__qualname__}) can't be written as {content_type}: "
            f"{unfit}. It is stored in beautyspot's own form, which no viewer opens: return what "
            "fits, or its bytes, or leave content_type= out",
        )

    def record(self, call: Call, payload: Payload, took: float | None) -> TaskRecord:
        """The row of a result; its data stands in it until `save` decides where it belongs."""
        task, addressing = call.task, call.task.addressing
        key = call.key
        now = self.clock()
        terms, version = call.terms or task.terms, addressing.version
        expires_at = None if terms.ttl is None else now + terms.ttl
        digest = None  # of a file, it is known once that is stored
        if not isinstance(payload.data, FileData):
            codec, data, keys = payload.codec, payload.data, self.signing_keys
            if keys is None:
                digest = fingerprint(key, codec, data)
            else:
                digest = keys.sign(key, codec, now, expires_at, data)
        return TaskRecord(
            cache_key=key,
            func_name=_clean_name(addressing.func_name),
            input_id=clean(call.input_id),
            version=None if version is None else _clean_name(version),
            result_type=DIRECT_BLOB,
            content_type=task.form.row_type(payload.codec),
            result_data=payload.data,  # type: ignore[arg-type]  # any buffer, until it is stored
            updated_at=timestamp(now),
            func_identifier=_clean_name(addressing.func_identifier),
            key_scheme=KEY_SCHEME,
            serializer=payload.codec,
            digest=digest,
            size=len(payload.data),
            arg_digests=call.digests,
            tags=(*map(clean, terms.tags),),
            made_at=now,
            took=took,
            expires_at=expires_at,
            code=addressing.code,
            arguments=None if call.arguments is None else clean(call.arguments),
            price=call.price,
            began_at=call.began_at,
        )

    def beginning(
        self, key: str, codec: str, made: float | None, expires: float | None
    ) -> Callable[[], list[Digest]]:
        """Begins the digests that a result may have, before its data: a new one has the first."""
        if self.signing_keys is None:
            return lambda: [begun(key, codec)]
        keys = self.signing_keys
        return lambda: [*keys.begun(key, codec, made, expires)]

    def check(self, key: str, entry: Entry, payload: Payload) -> None:
        """Refuse what is damaged, and where results are signed, what is not.

        Raises:
            RestoreError: it is.
        """
        keys, (data, codec, _) = self.signing_keys, payload
        if keys is None:
            if fingerprint(key, codec, data) != less_mark(entry.digest):
                raise RestoreError(f"the result under {key} is damaged; it is computed again")
        elif not keys.signed(entry.digest, key, codec, entry.made_at, entry.expires_at, data):
            raise RestoreError(
                f"the result under {key} bears no signature by a signing_key of this Spot; "
                "it is computed again"
            )

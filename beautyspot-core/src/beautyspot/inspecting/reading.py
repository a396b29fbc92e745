"""The part of a `Store` that reads results: values, raw bytes, verifying."""

from __future__ import annotations

from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from beautyspot.contracts import DIRECT_BLOB, Order
from beautyspot.contracts.selection import rank_of
from beautyspot.errors import BeautyspotError, ConfigError
from beautyspot.inspecting.filters import Listing, read_filter
from beautyspot.inspecting.looking import Looking
from beautyspot.serialization.payload import plain_of

# A store that is only listed needs nothing of the rest.
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Unpack

    from beautyspot.contracts import TaskRecord
    from beautyspot.inspecting.columns import Cell
    from beautyspot.inspecting.comparing import Comparison
    from beautyspot.inspecting.contents import Content
    from beautyspot.inspecting.filters import Where
    from beautyspot.inspecting.parts import Fault, Parts
    from beautyspot.inspecting.runs import Fields, Runs

    Progress = Callable[[int, int], object]


_LARGEST: Final = 10**6
"""Bytes of a result whose fields are told."""


class Reading(Looking):
    """Further methods of `Store`."""

    def value(self, key: str | TaskRecord) -> Any:
        """The value of a result, decoded as far as it can be without the classes of the program.

        An instance of a class of the program is an `Instance`, with its fields by name. Nothing
        that stands in the store is imported or called. What a library makes is made where the
        library is installed, and is a `NotInstalled` elsewhere. A generator's is the list of its
        items, followed by what it returned. A `File` is its `Content`, and an error that is a
        result an `ErrorInstance`.

        Args:
            key: as for `row`.

        Raises:
            ConfigError, RecordNotFound: as `row`.
            RestoreError: it is damaged, bears no signature by the signing key that was given, or is
                of a release before 3.0.
            BackendNotFound: its serializer is not installed.
            NotSupportedError: its serializer requires a signature, since it may run what is stored:
                such bytes are never loaded, see `content`.
            BlobNotFound, StorageError, MetadataError: it can't be read.
        """
        from beautyspot.inspecting.contents import decoded
        from beautyspot.serialization.payload import FILE_CODEC

        record = self.row(key)
        parts = self._parts()
        if (record.serializer or "").startswith(FILE_CODEC):
            return _content(record, parts)
        data = b"".join(parts.checked(record))
        return decoded(data, record, self._backends.serializer, self._backends.types_shown())

    def content(self, key: str | TaskRecord) -> Content:
        """The raw bytes of a result, with their type, in parts.

        Media are as the function returned them, so a picture is the picture, and a `File` is its
        content; anything else is in its stored form. What a serializer that requires a signature
        stored is not loaded by this.

        Args:
            key: as for `row`.

        Raises:
            ConfigError, RecordNotFound, MetadataError: as `row`.
            RestoreError: the row of a file has no sound name.
        """
        return _content(self.row(key), self._parts())

    def verify(
        self, *, progress: Progress | None = None, **where: Unpack[Where]
    ) -> Iterator[Fault]:
        """Read every result to its end, and tell which are not what was stored.

        Nothing is decoded, and nothing is changed. A result that is replaced meanwhile is no fault.
        Results of a release before 3.0 have no digest, and are passed over.

        Args:
            progress: called after each result with the numbers of results and bytes so far.
            where: see `Where`.

        Raises:
            ConfigError: a filter is wrong.
        """
        from beautyspot.inspecting.parts import verify

        wanted = read_filter("verify", where, self.metadata.now)
        return verify(self.metadata, self._parts(), Listing(self.metadata, wanted), progress)

    def runs(
        self,
        of: str,
        *,
        columns: Sequence[str] = (),
        sort: str = "newest",
        conditions: Sequence[str] = (),
        offset: int = 0,
        limit: int | None = None,
        fields: Fields | None = None,
        **where: Unpack[Where],
    ) -> Runs:
        """The results of a function as a table: what each call was given, and what came out.

        A column is an argument (``c``, of a dataclass or dictionary ``config.lr``), a field of the
        result (``score``, ``usage.tokens``; ``value`` of one without fields; of a response of a
        language model ``answer``, ``model``, ``tokens_in``, ``tokens_out`` and ``tool_calls``), or
        the row's ``key``, ``made``, ``took``, ``price``, ``size`` or ``version``. Where two have
        one name, it is the argument's; the field is ``result.score``, and the row's is not shown.

        Results are read and decoded only for columns that are asked for: those that are sorted or
        filtered by of all results, others of those that are given. Fields have results that lie
        in their rows, of at most 1 MB.

        Args:
            of: the function, as for `function_pattern`.
            columns: those that are wanted, in this order; none: all.
            sort: an order of `rows`; or a column, downwards with "-" before it: None, NaN and what
                is missing come last then.
            conditions: each a column, one of ``= != < <= > >=``, and a value, as in
                ``"c > 1"`` or ``"model = gpt-5"``. A number, True, False and None are that, unless
                in quotes; anything else is a text.
            offset, limit: leave out so many, and give at most so many.
            fields: decodes, in place of `Store.fields`: is given rows with their data, which was
                checked, some hundred at a time.
            where: see `Where`.

        Raises:
            ConfigError: an argument is wrong, or no result has such a column; says what to write.
            RecordNotFound, MetadataError: as `function_pattern`.
        """
        from beautyspot.inspecting.runs import listed

        where["function"] = self.function_pattern(of)
        order = cast("Order", sort) if sort in get_args(Order) else "newest"
        records = sorted(self.rows(**where), key=lambda each: rank_of(each, order))
        told, by = partial(self._told, fields or self.fields), "" if order == sort else sort
        return listed(records, told, columns, by, conditions, offset, limit)

    def compare(self, keys: Sequence[str | TaskRecord], fields: Fields | None = None) -> Comparison:
        """Two to five results side by side: their arguments, fields and rows, differences first.

        Args:
            keys: as for `row`.
            fields: as for `runs`, of texts that are not cut.

        Raises:
            ConfigError: they are fewer, or more.
            RecordNotFound, MetadataError: as `row`.
        """
        from beautyspot.inspecting.comparing import compared

        if not 2 <= len(keys) <= 5:
            raise ConfigError(f"{len(keys)} results can't be compared: give two to five keys")
        fields = fields or partial(self.fields, longest=_LARGEST)
        return compared(list(map(self.row, keys)), partial(self._told, fields, blobs=True))

    def fields(self, records: Sequence[TaskRecord], longest: int = 400) -> list[dict[str, Cell]]:
        """The fields of results by name: numbers and texts, and texts that stand for other values.

        Args:
            records: rows with their data, which `runs` has checked; they need not be in the store.
            longest: characters of a text; what is longer is cut.

        Returns:
            Those of each; none of what can't be decoded.
        """
        from beautyspot.inspecting.columns import fields_of
        from beautyspot.inspecting.contents import decoded

        types, serializer = self._backends.types_shown(), cache(self._backends.serializer)

        def told(record: TaskRecord) -> dict[str, Cell]:
            data = record.result_data or b""
            try:
                return fields_of(decoded(data, record, serializer, types), data, longest)
            except Exception:  # whatever is stored there, the others are told
                return {}

        return list(map(told, records))

    def _told(
        self, fields: Fields, records: Sequence[TaskRecord], *, blobs: bool = False
    ) -> dict[str, Mapping[str, Cell]]:
        """The fields by key, of those that can be read, are small, and no pictures."""
        from beautyspot.inspecting.parts import batches, with_data

        found: dict[str, Mapping[str, Cell]] = {}
        parts = self._parts()
        for batch in batches((row for row in records if _has_fields(row, blobs=blobs)), []):
            rows: list[TaskRecord] = []
            for row in with_data(self.metadata, batch):
                with suppress(BeautyspotError):
                    data = b"".join(parts.checked(row))
                    rows.append(row._replace(result_type=DIRECT_BLOB, result_data=data))
            keys = [row.cache_key for row in rows]
            found.update(zip(keys, fields(rows) if rows else (), strict=True))
        return found

    def _parts(self) -> Parts:
        from beautyspot.inspecting.parts import Parts

        return Parts(self.metadata, lambda: self.storage, self.signing_keys)


def _has_fields(record: TaskRecord, *, blobs: bool) -> bool:
    is_text = (record.content_type or "text/").startswith(("text/", "application/json"))
    size = plain_of(record.serializer or "")[1] or record.size
    is_small = size is not None and size <= _LARGEST
    return is_text and is_small and (blobs or record.result_type == DIRECT_BLOB)


def _content(record: TaskRecord, parts: Parts) -> Content:
    from beautyspot.inspecting.contents import content_of

    return content_of(record, partial(parts.checked, record))

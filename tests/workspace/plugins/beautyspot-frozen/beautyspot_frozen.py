"""Backends written against the contracts of 3.0.0. FROZEN: never change this file.

If a newer core can't run it, the newer core is wrong, or its plug-in API number has to be raised:
then this plug-in states the old number and is refused, and a second frozen one is added beside it.
"""

import json
import time

import beautyspot as bs
from beautyspot.contracts import Data, Plain

beautyspot_api = 1

COLUMNS = (
    "cache_key", "func_name", "input_id", "version", "result_type", "content_type", "result_value",
    "result_data", "updated_at", "func_identifier", "key_scheme", "serializer", "digest", "size",
    "arg_digests", "tags", "made_at", "took", "expires_at", "used_at",
)  # fmt: skip


class FrozenStore(bs.MetadataStoreBase):
    """Keeps the twenty columns of 3.0.0, and knows no other."""

    name = "frozen"
    schemes = ("frozen",)
    blocking = False
    leases = False
    memory_age = 0.0

    def __init__(self, label: str = "") -> None:
        self.label = label
        self.rows: dict[str, tuple] = {}

    @classmethod
    def options_from_url(cls, url: str) -> dict:
        return {"label": url.partition("://")[2]}

    def open(self) -> None:
        pass

    @property
    def store_id(self) -> str:
        return "0123456789abcdef"

    def get(self, key: str) -> bs.TaskRecord | None:
        row = self.rows.get(key)
        return None if row is None else bs.TaskRecord(*row)

    def put(self, record: bs.TaskRecord) -> None:
        self.rows[record.cache_key] = tuple(getattr(record, column) for column in COLUMNS)

    def delete(self, key: str) -> bool:
        return self.rows.pop(key, None) is not None

    def scan(self, *, func_identifier=None, version=None, tag=None, with_data=False):
        for key in sorted(self.rows):
            record = bs.TaskRecord(**dict(zip(COLUMNS, self.rows[key])))
            if func_identifier not in (None, record.func_identifier):
                continue
            if version in (None, record.version) and (tag is None or tag in record.tags):
                yield record if with_data else record._replace(result_data=None)

    def find(self, key: str) -> Plain | bs.Entry | None:
        record = self.get(key)
        if record is None:
            return None
        if (record.result_type, record.expires_at) == (bs.DIRECT_BLOB, None):
            return (
                record.result_data, record.digest, record.took, record.made_at, record.serializer
            )  # fmt: skip
        return bs.Entry(
            record.result_type, record.result_value, record.result_data, record.serializer,
            record.digest, record.made_at, record.expires_at, record.took,
        )  # fmt: skip

    def find_many(self, keys) -> dict[str, bs.Entry]:
        return super().find_many(keys)

    def totals(self) -> bs.Totals:
        return bs.Totals(
            len(self.rows), sum(row[COLUMNS.index("size")] for row in self.rows.values())
        )

    def put_many(self, records) -> None:
        for record in records:
            self.put(record)

    def touch(self, used) -> None:
        pass

    def try_lease(self, key: str):
        return super().try_lease(key)

    def close(self) -> None:
        pass


class FrozenStorage(bs.BlobStorageBase):
    """Keeps blobs in a dict."""

    name = "frozen"
    schemes = ("frozen",)
    blocking = False

    def __init__(self, label: str = "") -> None:
        self.label = label
        self.blobs: dict[str, bytes] = {}

    @classmethod
    def defaults(cls, context: bs.Context) -> dict:
        return {"label": f"{context.name} {context.directory.name} {context.db_path.name}"}

    @classmethod
    def options_from_url(cls, url: str) -> dict:
        return {"label": url.partition("://")[2]}

    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        self.blobs[key] = bytes(data)
        return key

    def load(self, location: str) -> bytes:
        try:
            return self.blobs[location]
        except KeyError:
            raise bs.BlobNotFound(location) from None

    def delete(self, location: str) -> None:
        self.blobs.pop(location, None)

    def list(self, prefix: str = ""):
        for key, data in self.blobs.items():
            if key.startswith(prefix):
                yield bs.BlobInfo(key, len(data), time.time())


class FrozenSerializer(bs.SerializerBase):
    """JSON."""

    name = "frozen"

    def dumps(self, value: object) -> Data:
        try:
            return json.dumps(value).encode()
        except (TypeError, ValueError) as exc:
            raise bs.SerializationError(str(exc)) from exc

    def loads(self, data: Data):
        try:
            return json.loads(bytes(data))
        except ValueError as exc:
            raise bs.RestoreError(str(exc)) from exc

    def vouching(self, types) -> bs.SerializerBase:
        return self

    def supporting(self, types) -> bs.SerializerBase:
        return self

    def register(self, cls, *, encode=None, decode=None, name=None) -> None:
        super().register(cls, encode=encode, decode=decode, name=name)


class FrozenKeys(bs.KeyGenBase):
    """The repr."""

    name = "frozen"

    def input_id(self, args: tuple, kwargs: dict) -> str:
        return repr((args, sorted(kwargs.items())))

    def canonical(self, value: object) -> str:
        return repr(value)

    def supporting(self, types) -> bs.KeyGenBase:
        return self


class FrozenLimiter(bs.LimiterBase):
    """Lets everything through, and counts."""

    name = "frozen"

    def __init__(self, most: float = 10) -> None:
        self.most = most
        self.spent = 0.0

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> bs.Reservation | None:
        if cost > self.most:
            raise bs.CostError(cost)
        self.spent += cost
        return bs.Reservation(0.0, cost)

    def release(self, reservation: bs.Reservation) -> None:
        self.spent -= reservation.cost

    def settle(self, reservation: bs.Reservation, real_cost: float) -> None:
        self.spent += real_cost - reservation.cost


class FrozenTypes(bs.TypeSupport):
    """What `subprocess.run` returns."""

    name = "frozen"
    classes = ("subprocess:CompletedProcess",)
    subclasses = False

    def key(self, value):
        return [value.args, value.returncode, value.stdout, value.stderr]

    def encode(self, value):
        return [value.args, value.returncode, value.stdout, value.stderr]

    def decode(self, value):
        from subprocess import CompletedProcess

        return CompletedProcess(*value)


@bs.hookimpl
def beautyspot_register_metadata():
    return FrozenStore


@bs.hookimpl
def beautyspot_register_storage():
    return [FrozenStorage]


@bs.hookimpl
def beautyspot_register_serializer():
    return FrozenSerializer


@bs.hookimpl
def beautyspot_register_keygen():
    return FrozenKeys


@bs.hookimpl
def beautyspot_register_limiter():
    return FrozenLimiter


@bs.hookimpl
def beautyspot_register_types():
    return FrozenTypes

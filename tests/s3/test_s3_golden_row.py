"""What lies in a bucket is frozen: what this release wrote is read by all that follow.

A change here makes each team compute everything again: it is a new mark, read beside the old one,
under the same name.
"""

from __future__ import annotations

from hashlib import sha256
from zlib import crc32

import golden
from beautyspot.contracts import Invalidation
from beautyspot_s3 import rows, table
from beautyspot_s3.names import Names
from golden import KEY

RECORD = golden.RECORD._replace(arguments="x='é\ud800'")

ROW = (
    b'bs1 fa2226fc 00000242 000000000008\n{"nonce":"0123456789abcdef","store":"fedcba987654'
    b'3210","cache_key":"0123456789abcdef0123456789abcdef","func_name":"f","input_id":"aba'
    b'babababababababababababababab","version":"2","result_type":"DIRECT_BLOB","content_ty'
    b'pe":"text/plain","updated_at":"2026-11-26 12:00:00","func_identifier":"module:f","ke'
    b'y_scheme":1,"serializer":"msgpack","digest":"AAECAwQFBgcICQoLDA0ODw==","size":7,"arg'
    b'_digests":"{\\"x\\": \\"ab\\"}","tags":["one","two"],"made_at":1790000000.5,"took":0.25,'
    b'"used_at":1790000001.0,"code":"0f:a1","arguments":"x=\'\\u00e9\\ud800\'","price":0.125,"'
    b'began_at":1790000000.25}\n\x82\xa1a\x01\xa1b\xc3'
)

TABLE = table.Table(
    "fedcba9876543210",
    1790000000000002,
    1790000000000000,
    (
        (1790000000000001, Invalidation("k", None, "1")),
        (1790000000000002, Invalidation(func_identifier="m:é")),
    ),
    demands_signing=True,
)

META = (
    b'{"written_by":1,"readable_from":1,"nonce":"0123456789abcdef","store_id":"fedcba98765'
    b'43210","generation":1790000000000002,"forgotten":1790000000000000,"log":[[1790000000'
    b'000001,"k",null,"1",null],[1790000000000002,null,"m:\\u00e9",null,null]],"demands_sig'
    b'ning":true}'
)

NONCE, STORE = "0123456789abcdef", "fedcba9876543210"


def test_what_is_written_is_what_was() -> None:
    assert rows.written(RECORD, NONCE, STORE) == ROW
    assert rows.tombstone(NONCE) == b"bs1 gone 0123456789abcdef\n"
    assert table.written(TABLE, NONCE) == META


def test_what_was_written_is_read() -> None:
    row = rows.read(ROW, len(ROW))
    assert row is not None
    assert (row.nonce, row.fields["store"]) == (NONCE, STORE)
    assert rows.record_of(row) == RECORD
    data, digest = RECORD.result_data, RECORD.digest
    assert rows.found(row) == (data, digest, 0.25, 1790000000.5, "msgpack", 0.125)
    assert table.read(META, "meta") == TABLE


def test_a_row_of_a_later_release_is_read_as_far_as_it_is_known() -> None:
    later = ROW.replace(b'"nonce"', b'"later":[1],"nonce"')
    head = rows.written(RECORD, NONCE, STORE)[: rows.HEAD]
    text = later[rows.HEAD : -7]
    head = b"bs1 %08x %08x %012x\n" % (crc32(text), len(text), 8)
    row = rows.read(head + later[rows.HEAD :], len(later))
    assert row is not None
    assert rows.record_of(row) == RECORD


def test_the_names_in_the_bucket_are_what_they_were() -> None:
    names = Names("cache/", "app")
    assert names.meta == "cache/store/app/meta"
    assert names.row(KEY) == f"cache/store/app/rows/{KEY}"
    assert names.lease(KEY) == f"cache/store/app/leases/{KEY}"
    assert (names.used, names.counts) == ("cache/store/app/used/", "cache/store/app/counts/")
    assert names.row("a/é") == "cache/store/app/rows/a-2f~c3~a9"
    assert names.row("a" * 201) == f"cache/store/app/rows!/{sha256(b'a' * 201).hexdigest()}"
    assert Names("", "my team/é").root == "store/my~20team~2f~c3~a9/"

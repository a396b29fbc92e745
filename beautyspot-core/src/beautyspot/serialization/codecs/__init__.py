"""How `MsgpackSerializer` writes each family of types. The stored form is fixed.

A document is msgpack throughout. A value that msgpack knows (None, bool, int of 64 bits, float,
str, bytes, list, dict with such keys) is written as itself. Any other is a *tagged value*: an array
whose first element is an ext, the type of which names the codec and the one byte of which is the
version of the payload; the payload is the rest of the array::

    (1, "a")        ->  [ext(5, 01), 1, "a"]
    Decimal("0.1")  ->  [ext(40, 01), "0.1"]

No ordinary array starts with an ext, so the two are never confused, and no payload is packed a
second time inside an ext, so that a big array deep in a dataclass is copied once. See `document`
for the envelope around a document with tagged values.
"""

"""Write app.db with an earlier release: run by the interpreter that has it, `... VERSION`."""

import sqlite3
import sys

import beautyspot as bs

if sys.argv[1].startswith("2.7"):
    spot = bs.Spot("app", db=bs.SQLiteTaskDB("app.db"), storage_backend=bs.LocalStorage("blobs"))
else:
    spot = bs.Spot("app", db="app.db", storage_path="blobs")


@spot.mark
def square(n):
    return {"n": n, "square": n * n}


@spot.mark(version="v2", content_type="text/markdown")
def report(title, *, lang="en"):
    return f"# {title} ({lang})"


@spot.mark(save_blob=True, content_type="application/octet-stream")
def picture(size):
    return bytes(range(256)) * size


for n in range(3):
    square(n)
report("Größe")
report("x", lang="ja")
picture(4)

if sys.argv[1].startswith("2.7"):

    @spot.mark(retention="2h")
    def short_lived(n):
        return n + 1

    short_lived(1)

spot.shutdown()
connection = sqlite3.connect("app.db")
connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
connection.execute("VACUUM")
connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
connection.close()

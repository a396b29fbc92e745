"""What asks Django's database when it is read is refused: a key of its question knows no rows."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

PROGRAM = """
import logging, sys
import django
from django.conf import settings
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
)
django.setup()
from django.db import connection, models
import beautyspot as bs

class Author(models.Model):
    name = models.CharField(max_length=9)
    class Meta:
        app_label = "books"

class Book(models.Model):
    title = models.CharField(max_length=9)
    author = models.ForeignKey(Author, models.CASCADE, related_name="books")
    class Meta:
        app_label = "books"

with connection.schema_editor() as editor:
    editor.create_model(Author)
    editor.create_model(Book)

said = []
class Kept(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
logging.getLogger("beautyspot").addHandler(Kept())

spot = bs.Spot("app", directory=sys.argv[1], config=False)

def length(rows):
    return len(list(rows.all() if hasattr(rows, "all") else rows))

def read(rows):
    list(rows)
    return rows

ann = Author.objects.create(name="Ann")
asked = {
    "a manager": lambda: Book.objects,
    "a related manager": lambda: ann.books,
    "a query set": lambda: Book.objects.filter(title__gt="a"),
    "one that was read": lambda: read(Book.objects.all()),
    "values": lambda: Book.objects.values("title"),
    "a raw query": lambda: Book.objects.raw("select * from books_book"),
}

for name, make in asked.items():
    Book.objects.all().delete()
    of_all = spot.mark(length, name=name)
    assert of_all(make()) == 0, name
    ann.books.create(title="b")
    assert of_all(make()) == 1, name          # not 0: the row that was added is seen
    told = said.pop()
    assert not said, said
    assert "asks the database whenever it is read" in told and "list(….values())" in told, told

# What the message says works, and is told apart by the rows.
count = spot.mark(length, name="count")
for more in range(2):
    assert [count(list(Book.objects.values())) for _ in range(2)] == [1 + more] * 2
    keys = [list(Book.objects.values_list("pk", flat=True)) for _ in range(2)]
    assert [count(each) for each in keys] == [1 + more] * 2
    ann.books.create(title="c")
question = spot.mark(str.upper, name="question")
question(str(Book.objects.filter(pk=1).query))
assert spot.key(question, str(Book.objects.filter(pk=1).query)) != spot.key(
    question, str(Book.objects.filter(pk=2).query))
assert spot.stats()["misses"] == 5 and spot.stats()["hits"] == 4, spot.stats()

# A row counts by its fields, what is made late not at all.
name = spot.mark(lambda author: author.name, name="name")
assert spot.key(name, ann) == spot.key(name, Author.objects.get()) != spot.key(
    name, Author(pk=1, name="Bob"))
for late, text in (
    (SimpleLazyObject(Author.objects.get), "pass that object itself"),
    (gettext_lazy("yes"), "pass str(…) of it"),
):
    try:
        spot.key(name, late)
    except bs.UnstableKeyError as error:
        assert text in str(error), error
    else:
        raise AssertionError(late)

# Whoever knows better says so, and the code of a model is followed as that of other classes.
class Rows(bs.TypeSupport):
    name = "rows"
    classes = ("django.db.models.query:QuerySet",)

    def key(self, value):
        return [str(value.query), list(value.values())]

    def encode(self, value):
        raise NotImplementedError

    decode = encode

class Plugin:

    @bs.hookimpl
    def beautyspot_register_types(self):
        return Rows

with bs.Spot("app", directory=sys.argv[1], config=False, plugins=[Plugin()]) as knowing:
    rows = knowing.mark(length, name="rows")
    assert rows(Book.objects.all()) == rows(Book.objects.all()) == 3
    ann.books.create(title="d")
    assert rows(Book.objects.all()) == 4
    assert knowing.stats()["hits"] == 1
shown = spot.mark(lambda author: str(author), version="auto")
before = spot.key(shown, ann)
Author.__str__ = lambda self: self.name * 2
fresh = spot.mark(lambda author: str(author), version="auto")
assert spot.key(fresh, ann) != before
assert not said, said
spot.shutdown()
print("done")
"""


@pytest.mark.skipif(find_spec("django") is None, reason="Django is not installed")
def test_rows_that_were_added_are_seen(tmp_path):
    """Django is set up once in a process, so this is a program of its own."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program), str(tmp_path / "cache")],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "done", done.stderr

"""What is said of objects of frameworks: what to pass, or to return, in their place."""

from __future__ import annotations

import re
import threading
from types import ModuleType
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from beautyspot.errors import SerializationError, UnstableKeyError
from beautyspot.keys.generator import canonical
from beautyspot.serialization.serializer import MsgpackSerializer
from beautyspot.testing import memory_spot
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, Session, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)


class Kept(MappedAsDataclass, DeclarativeBase):
    pass


class Order(Kept):  # its fields are known, and its state is of a session all the same
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)


ENGINE = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
Base.metadata.create_all(ENGINE)
with ENGINE.begin() as _connection:
    _connection.execute(sa.insert(User).values(id=1))
    ROW = _connection.execute(sa.select(User.id)).first()


def of(name: str) -> Any:
    """An object of a class that derives from one of a framework, by its name."""
    module, _, path = name.partition(":")
    base = type(path, (), {"__module__": module, "__qualname__": path})
    return type("Own", (base,), {})()


ROWS = [
    (of("starlette.requests:HTTPConnection"), "pass what the function reads", "return what you"),
    (of("starlette.datastructures:UploadFile"), "await file.read()", "return its bytes"),
    (of("starlette.background:BackgroundTask"), "add tasks outside of it", "return what they"),
    (of("werkzeug.sansio.response:Response"), "pass its data", "return the data (jsonable_enc"),
    (of("django.http.request:HttpRequest"), "an ID or the body", "return what you read"),
    (of("celery.app.task:Task"), "leave it out with mark(ignore=", "what the task returns"),
    (sa.select(User), "str(statement), and its parameters", "str(statement)"),
    (ROW, "tuple(row)", "[tuple(row) for row in rows]"),
    (User(id=1), "pass its primary key", "return its fields"),
    (Order(id=1), "pass its primary key", "return its fields"),
    (of("huey.api:Task"), "leave it out with mark(ignore=", "what the task returns"),
    (Session(ENGINE), "pass the engine", "return the rows"),
]


@pytest.mark.parametrize(
    ("value", "passed", "returned"), ROWS, ids=lambda each: type(each).__name__
)
def test_a_message_says_what_to_take_instead(value: Any, passed: str, returned: str) -> None:
    with pytest.raises(UnstableKeyError, match=re.escape(passed)):
        canonical(value)
    with pytest.raises(SerializationError, match=re.escape(returned)):
        MsgpackSerializer().dumps(value)


class Holder:
    def __init__(self) -> None:
        self._thread = threading.current_thread()


def test_the_object_of_a_package_is_named_and_not_its_insides() -> None:
    with pytest.raises(
        UnstableKeyError, match=r"^value\[0\] is a httpx\.Client, which has no"
    ) as error:
        canonical([httpx.Client()])
    assert error.value.path.startswith("value[0]._")
    with pytest.raises(UnstableKeyError, match=r"^value\._thread is a threading\._MainThread"):
        canonical(Holder())


@pytest.mark.parametrize(
    ("of", "module", "direct", "inside"),
    [
        ("Flask", "werkzeug.local", "request", "session"),
        (
            "Streamlit",
            "streamlit.runtime.state.session_state_proxy",
            "session_state",
            "query_params",
        ),
    ],
)
def test_a_function_that_reads_a_request_or_session_is_told(
    of: str, module: str, direct: str, inside: str, caplog: Any
) -> None:
    proxy = type("Proxy", (), {"__module__": module})()
    framework = ModuleType("framework")
    setattr(framework, inside, proxy)
    source = f"def read(): return {direct}.x\ndef also(): return fw.{inside}\ndef no(): return g"
    names: dict[str, Any] = {direct: proxy, "fw": framework, "g": 1}
    exec(source, names)  # noqa: S102 - functions that read globals
    with memory_spot() as spot:
        for name in ("read", "also", "no"):
            spot.mark(names[name])
        spot.mark(key=lambda: 1)(names["read"])
    told = re.findall(r"reads (\w+) of (\w+)", caplog.text)
    assert told == [(direct, of), (inside, of)]

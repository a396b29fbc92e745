"""web"""
# pip: fastapi httpx python-multipart flask celery django sqlalchemy
# again: req bg js up r t badd dj djr2 djr3 djq djh rows mappings orm orm2 arg arg_of_orm
# says: it reads request | await file.read() | jsonable_encoder | pass its primary key | str(statement) | [tuple(row) for row in rows] | beneath the decorator that makes it | add tasks outside of it | list(….values())
import sys
from trying import *
from fastapi import FastAPI, Request, UploadFile, BackgroundTasks, File
from fastapi.testclient import TestClient
from fastapi.responses import JSONResponse, HTMLResponse
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel
class Item(BaseModel): name: str; price: float = 1
app = FastAPI()
@app.get("/a/{x}")
@spot.mark
def a(x: int, q: str = "d"): print("ran a"); return {"x": x, "q": q}
@app.post("/item")
@spot.mark
async def item(i: Item) -> Item: print("ran item"); return i
@app.get("/req")
@spot.mark
async def req(request: Request): print("ran req"); return {"u": str(request.url.path)}
@app.post("/up")
@spot.mark
async def up(file: UploadFile): print("ran up"); return len(await file.read())
@app.get("/bg")
@spot.mark
def bg(t: BackgroundTasks): print("ran bg"); return 1
@app.get("/json")
@spot.mark
def js(): print("ran js"); return JSONResponse({"a": 1})
@app.get("/html", response_class=HTMLResponse)
@spot.mark
def ht(): print("ran ht"); return "<p>"
c = TestClient(app)
for p in ("/a/1", "/req", "/bg", "/json", "/html"): print(p, c.get(p).text)
print(c.post("/item", json={"name": "x"}).text); print(c.post("/up", files={"file": b"abc"}).text)
import flask
fl = flask.Flask("x")
@fl.route("/f/<int:x>")
@spot.mark
def f(x): print("ran f"); return {"x": x}
@fl.route("/r")
@spot.mark
def r(): print("ran r"); return "arg " + flask.request.args.get("q", "")
@fl.route("/t")
@spot.mark
def t(): print("ran t"); return flask.jsonify(a=1)
fc = fl.test_client()
for p in ("/f/1", "/r?q=1", "/r?q=2", "/t"): print(p, fc.get(p).text)
from celery import Celery
ce = Celery("x", broker="memory://", backend="cache+memory://"); ce.conf.task_always_eager = True
@ce.task
@spot.mark
def add(x, y): print("ran add"); return x + y
print(add.delay(1, 2).get())
@ce.task(bind=True)
@spot.mark
def badd(self, x, y): print("ran badd"); return x + y
print(badd.delay(1, 2).get())
@ce.task
def cadd(x, y): return x + y
try: spot.mark(cadd)
except Exception as e: print("RAISED", type(e), e, file=sys.stderr)
import django
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, INSTALLED_APPS=["django.contrib.contenttypes"]); django.setup()
from django.contrib.contenttypes.models import ContentType
from django.db import connection
with connection.schema_editor() as s: s.create_model(ContentType)
ct = ContentType.objects.create(app_label="a", model="b")
@spot.mark
def dj(x): print("ran dj"); return 1
say(dj, ct); say(dj, ContentType.objects.all()); say(dj, list(ContentType.objects.values()))
@spot.mark
def djr(x): print("ran djr"); return list(ContentType.objects.values())
say(djr, 1)
@spot.mark
def djr2(x): print("ran djr2"); return ContentType.objects.get()
say(djr2, 1)
@spot.mark
def djr3(x): print("ran djr3"); return ContentType.objects.all()
say(djr3, 1)
from django.test import RequestFactory
@spot.mark
def djq(request): print("ran djq"); return 1
say(djq, RequestFactory().get("/"))
@spot.mark
def djh(x):
    from django.http import HttpResponse
    print("ran djh"); return HttpResponse("x")
say(lambda: type(djh(1)).__name__, name="djh")
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, Session
class Base(DeclarativeBase): pass
class User(Base):
    __tablename__ = "u"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
eng = sa.create_engine("sqlite:///x.db"); Base.metadata.create_all(eng)
with Session(eng) as s:
    if not s.get(User, 1): s.add(User(id=1, name="a")); s.commit()
@spot.mark
def rows(q: str):
    print("ran rows")
    with eng.connect() as c: return c.execute(sa.text(q)).all()
say(rows, "select * from u")
@spot.mark
def tuples(q: str):
    print("ran tuples")
    with eng.connect() as c: return [tuple(r) for r in c.execute(sa.text(q))]
say(tuples, "select * from u")
@spot.mark
def mappings(q: str):
    print("ran mappings")
    with eng.connect() as c: return c.execute(sa.text(q)).mappings().all()
say(mappings, "select * from u")
@spot.mark
def orm(i: int):
    print("ran orm")
    with Session(eng) as s: return s.get(User, i)
say(lambda: orm(1).__class__.__name__, name="orm")
@spot.mark
def orm2(i: int) -> User:
    print("ran orm2")
    with Session(eng) as s: return s.get(User, i)
say(lambda: orm2(1).__class__.__name__, name="orm2")
@spot.mark
def arg(x): print("ran arg"); return 1
say(arg, sa.select(User)); say(arg, sa.text("select 1"))
@spot.mark
def arg_of_orm(x): print("ran arg_of_orm"); return 1
with Session(eng) as s: say(arg, s); say(arg_of_orm, s.get(User, 1)); say(arg, s.execute(sa.select(User.id)).first())
say(arg, str(sa.select(User)))

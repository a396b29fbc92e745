"""What counts of the objects of frameworks: stand-ins here, the libraries in `tests/frameworks`."""

from __future__ import annotations

import ssl
import sys
import uuid
from functools import cache
from types import ModuleType
from types import SimpleNamespace as Of
from typing import Any

import httpx2
import openai
import pydantic
import pytest
from beautyspot.errors import UnstableKeyError
from beautyspot.testing import memory_spot

LLM = "langchain_core.language_models.base:BaseLanguageModel"
INDEX = "llama_index.core.indices.base:BaseIndex"
GENAI = "google.genai.client:Client"
AIOHTTP = "aiohttp.client:ClientSession"
KEYS = memory_spot(strict=True)
TLS = ssl.create_default_context()


MODULES: dict[str, ModuleType] = {}


@cache
def named(name: str, *bases: type) -> type:
    """The class of this name, in a module that stands for the library's."""
    module, _, path = name.partition(":")
    cls = type(path, bases, {"__module__": module, "__qualname__": path})
    setattr(MODULES.setdefault(module, ModuleType(module)), path, cls)
    return cls


@pytest.fixture(autouse=True)
def _loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in MODULES.items():
        monkeypatch.setitem(sys.modules, name, module)


def made(name: str, /, **held: Any) -> Any:
    """An object that has the class of a library, by its name, and holds this."""
    value = named(name)()
    vars(value).update(held)
    return value


@KEYS.mark
def asked(value: Any) -> None:
    """Takes an object."""


def key(value: Any) -> str:
    return KEYS.key(asked, value)


class Model(named(LLM, pydantic.BaseModel)):  # type: ignore[misc]
    model: str = "small"
    api_token: Any = None
    callbacks: Any = None
    root_client: Any = None
    http_client: Any = None
    _made_late: Any = pydantic.PrivateAttr(None)
    _own_client: Any = pydantic.PrivateAttr(None)


Model.__module__ = "langchain_stand_in"  # one of the library's packages
MODULES["langchain_stand_in"] = ModuleType("langchain_stand_in")
vars(MODULES["langchain_stand_in"])["Model"] = Model


class OwnModel(Model):
    """A class of the program's."""

    profile: str = ""
    my_client: str = ""


class OwnEmbeddings(named("langchain_core.embeddings.embeddings:Embeddings")):  # type: ignore[misc]
    """One that is no model of pydantic."""

    def __init__(self, name: str) -> None:
        self.name = name


def test_fields_that_a_class_of_the_program_adds_count() -> None:
    assert key(OwnModel(profile="a")) != key(OwnModel(profile="b"))
    assert key(OwnModel(my_client="a")) != key(OwnModel(my_client="b"))
    assert key(OwnModel(callbacks="a")) == key(OwnModel(callbacks="b"))
    assert key(OwnEmbeddings("a")) != key(OwnEmbeddings("b"))


def model(*, late: Any = None, client: Any = None, **fields: Any) -> Model:
    found = Model(**fields)
    found._made_late, found._own_client = late, client
    found.__dict__["_serialized"] = object()  # computed when it is first used
    return found


def asking(url: str) -> Any:
    return Of(base_url=url, socket=object())


def genai(**changes: Any) -> Any:
    options = {"base_url": "https://a", "api_version": "v1", "headers": {}, "extra_body": None}
    options |= dict.fromkeys(("httpx_client", "httpx_async_client"))
    options |= dict.fromkeys(("client_args", "async_client_args", "aiohttp_client"))
    api = {"vertexai": None, "project": "p", "location": "l", "api_key": object()}
    http = Of(**{**options, **{n: x for n, x in changes.items() if n in options}})
    own = {n: x for n, x in changes.items() if n not in options}
    return made(GENAI, _api_client=Of(**{**api, **own, "_http_options": http}))


def index(*hashes: str, model: object = None, random: object = None) -> Any:
    docs = {str(uuid.uuid4()): Of(hash=each) for each in hashes}
    held = {"docstore": Of(docs=docs), "_embed_model": model, "_object_map": {}, "_ids": random}
    return made(INDEX, **held)


def instructor(model: str = "m", client: str = "c") -> Any:
    scope, default_model = object(), model

    def create() -> Any:
        return scope, default_model

    create.__module__, create.__qualname__ = "openai", "Completions.create"
    name = "instructor.core.client:Instructor"
    return made(name, client=client, hooks=object(), create_fn=create)


def session(**changes: Any) -> Any:
    held = {
        **dict.fromkeys(("auth", "_default_proxy_auth", "_middlewares", "connector", "_base_url")),
        **dict.fromkeys(("_default_proxy", "raise_for_status"), False),
        "cookie_jar": (),
        "headers": {},
        "auto_decompress": True,
        "_loop": object(),
    }
    return made(AIOHTTP, **{**held, **changes})


AGENT = "pydantic_ai.agent:Agent"
PROVIDER = "pydantic_ai.providers:Provider"


def own_http(hook: str = "pydantic_ai._http:ConnectPoolTimeoutCap", release: int = 1) -> Any:
    hooks = {"request": [made(hook, _pool=5)]}
    headers = {"User-Agent": f"pydantic-ai/{release}"}
    return httpx2.Client(verify=TLS, event_hooks=hooks, headers=headers)


def provider(*, http: Any = None, **options: Any) -> Any:
    held = {n: options.pop(n) for n in [*options] if n[0] == "_" or n == "tenant"}
    given = {"api_key": "k", "base_url": "https://a", "http_client": http or own_http()}
    return made(PROVIDER, _client=openai.OpenAI(**{**given, **options}), **held)


CALLBACK = "langchain_core.callbacks.base:BaseCallbackManager"
ENCODING = "tiktoken.core:Encoding"


def encoding(**special: int) -> Any:
    held = {"name": "e", "n_vocab": 2, "_pat_str": ".", "_core": object()}
    return made(ENCODING, **held, _special_tokens=special)


def google(http: Any, *, _api_key: str = "k", **options: Any) -> Any:
    return made(PROVIDER, _client=genai(httpx_async_client=http, **options), _api_key=_api_key)


@pytest.mark.parametrize(
    ("one", "same", "others"),
    [
        (
            model(),
            model(
                api_token="t", callbacks=object(), root_client=Of(), client=object(), model="small"
            ),
            [
                model(model="large"),
                model(http_client={"proxy": 1}),
                model(late=1),
                model(root_client=asking("https://a")),
                model(root_client=Of(_client=asking("https://b"))),
            ],
        ),
        (genai(), genai(api_key="k", project="other", headers={"User-Agent": "x"}), [
            genai(base_url="https://b"), genai(vertexai=True), genai(headers={"X-A": "b"}),
            genai(vertexai=True, project="other"), genai(extra_body={"a": 1}),
            genai(httpx_client=httpx2.Client(verify=TLS, headers={"X-Tenant": "b"})),
            genai(client_args={"proxy": "b"}), genai(async_client_args={"proxy": "b"}),
        ]),
        (index("a", "b"), index("b", "a", random=object()), [index("a"), index("a", "b", model=1)]),
        (instructor(), instructor(), [instructor("n"), instructor(client="d")]),
        (session(), session(connector=made("aiohttp.connector:TCPConnector")), [
            session(headers={"X-A": "b"}), session(_base_url="https://a"),
            session(connector=made("aiohttp.connector:UnixConnector", path="/s")),
            session(_default_proxy="https://p"), session(auto_decompress=False),
        ]),
        (made(AGENT, model="m", _enter_lock=object()), made(AGENT, model="m", _name="a"), [
            made(AGENT, model="n"), made(AGENT, model="m", own=1),
        ]),
        (provider(), provider(api_key="other", _own_client_loop=object()), [
            provider(base_url="https://b"), provider(tenant="b"), provider(organization="b"),
        ]),
        (google(own_http()), google(own_http(release=2), _api_key="other"), [
            google(own_http(), base_url="https://b"),
        ]),
        (encoding(), encoding(), [encoding(e=1)]),
        (made(CALLBACK, parent=uuid.uuid4()), made(CALLBACK, parent=object()), []),
        (made("rich.progress:Progress", live=object()), made("rich.progress:Progress"), []),
        (made("rich.console:Console", _width=None, _height=None, record=False, file=object()),
         made("rich.console:Console", _width=None, _height=None, record=False),
         [made("rich.console:Console", _width=80, _height=None, record=False)]),
        (made("tqdm.std:tqdm", iterable=[1], fp=object()), made("tqdm.std:tqdm", iterable=[1]),
         [made("tqdm.std:tqdm", iterable=None)]),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_leads_to_another_answer_counts_and_nothing_else(
    one: Any, same: Any, others: list[Any]
) -> None:
    assert key(one) == key(same)
    keys = [key(each) for each in (one, *others)]
    assert len({*keys}) == len(keys)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (index(), "keeps its texts elsewhere"),
        (genai(headers={"X-Secret-Token": "s"}), "sends the header"),
        (provider(http=own_http("program:Hook")), "event hooks"),
        (provider()._client, "event hooks"),
        (genai(httpx_async_client=own_http()), "event hooks"),
        (session(auth=1), "signs in"),
        (session(cookie_jar=(1,)), "cookies of its own"),
        (session(_middlewares=(1,)), "middlewares"),
        (session(connector=Of()), "connector of its own"),
        (made("tqdm.std:tqdm", iterable=iter(())), "used up when it is read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(value: Any, words: str) -> None:
    with pytest.raises(UnstableKeyError, match=words):
        key(value)

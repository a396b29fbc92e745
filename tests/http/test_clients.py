"""Clients of httpx and requests count by where they lead; those with secrets are refused."""

from __future__ import annotations

import ssl
from typing import Any

import beautyspot as bs
import httpx
import httpx2
import pytest
import requests
from beautyspot.testing import memory_spot
from beautyspot_http.http_clients import HttpxClientTypes, SessionTypes
from beautyspot_testing.types import TypeSupportContract
from requests.adapters import HTTPAdapter
from servers.web import CANARY, WebSite

from tests.made import findable

LIBRARIES: list[Any] = [httpx, httpx2]
TLS = ssl.create_default_context()  # making one takes longest


def counted(client: Any) -> list[object]:
    """What tells clients apart, for people."""
    url = str(getattr(client, "base_url", ""))
    return [url, dict(client.headers), str(client.params), len(client.cookies)]


class TestHttpxClients(TypeSupportContract):
    storable = False

    def make(self) -> HttpxClientTypes:
        return HttpxClientTypes()

    def samples(self) -> list[Any]:
        return [made for library in LIBRARIES for made in self._of(library)]

    def _of(self, library: Any) -> list[Any]:
        def client(**options: Any) -> Any:
            return library.Client(**{"verify": TLS, **options})

        return [
            client(),
            library.AsyncClient(verify=TLS),
            client(base_url="https://example.com/v1"),
            client(base_url="https://example.com/v2"),
            client(headers={"X-Tenant": "a"}),
            client(headers={"X-Tenant": "b"}),
            client(params={"page": "1"}),
            client(params={"page": "2"}),
            client(mounts={"https://": library.HTTPTransport(verify=TLS, uds="/run/a")}),
            client(transport=library.HTTPTransport(verify=TLS, uds="/run/b")),
            client(follow_redirects=True),
            client(follow_redirects=True, max_redirects=3),
            client(follow_redirects=True, max_redirects=0),
        ]

    def same(self, left: Any, right: Any) -> bool:
        return counted(left) == counted(right)

    def source(self) -> None:
        """Other processes are asked in `test_processes`, once for all supports."""


class TestSessions(TypeSupportContract):
    storable = False

    def make(self) -> SessionTypes:
        return SessionTypes()

    def samples(self) -> list[requests.Session]:
        made = [requests.Session() for _ in range(12)]
        made[11].max_redirects = 0  # it fails where the first one goes on
        made[10].headers["Accept"] = None  # type: ignore[assignment]  # it is not sent
        made[1].headers["X-Tenant"] = "a"
        made[2].headers["X-Tenant"] = "b"
        made[3].params = {"page": ["1", "2"]}
        made[4].params = {"page": "1"}
        made[5].proxies["https"] = "http://one:3128"
        made[6].proxies["https"] = "http://two:3128"
        made[7].verify = False
        made[8].trust_env = False
        made[9].max_redirects = 3
        return made

    def same(self, left: Any, right: Any) -> bool:
        return counted(left) == counted(right)

    def source(self) -> None:
        """As above."""


def ask(client: Any, path: str) -> int:
    return len(path)


def test_what_changes_no_answer_does_not_count() -> None:
    with memory_spot() as spot:
        marked = spot.mark(ask)
        for library in LIBRARIES:
            with library.Client(verify=TLS) as one:
                few = library.Limits(max_connections=1)
                two = library.Client(timeout=3, verify=TLS, limits=few, proxy="http://one:3128")
                assert {marked(each, "/") for each in (one, two)} == {1}
        one, two = requests.Session(), requests.Session()
        two.mount("https://", HTTPAdapter(max_retries=3, pool_maxsize=2))
        two.mount("https://example.com/", HTTPAdapter())
        assert {marked(each, "/") for each in (one, two)} == {1}
        assert spot.stats()["hits"] == 3


def refused_httpx() -> list[tuple[Any, str]]:
    found: list[tuple[Any, str]] = []
    for library in LIBRARIES:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"auth": ("u", CANARY)}, "signs in by its auth"),
            ({"headers": {"Authorization": f"Bearer {CANARY}"}}, "the header Authorization"),
            ({"headers": {"X-Api-Key": CANARY}}, "the header X-Api-Key"),
            ({"headers": {"Cookie": f"a={CANARY}"}}, "the header Cookie"),
            ({"cookies": {"session": CANARY}}, "cookies of its own"),
            ({"params": {"api_key": CANARY}}, "the parameter api_key"),
            ({"base_url": f"https://u:{CANARY}@example.com"}, "credentials in an address"),
            ({"event_hooks": {"request": [print]}}, "event hooks"),
            ({"transport": library.MockTransport(print)}, "a MockTransport"),
        ]
        found += [(library.Client(**{"verify": TLS, **given}), said) for given, said in cases]
        patched = library.Client(verify=TLS)
        patched.get = print
        found.append((patched, "something in get"))
        wrapped = library.Client(verify=TLS)
        wrapped._transport.handle_request = print
        found.append((wrapped, "something in handle_request"))
        mounted = library.Client(verify=TLS, mounts={"all://": library.MockTransport(print)})
        found.append((mounted, "a MockTransport"))
    return found


def refused_sessions() -> list[tuple[Any, str]]:
    def session(**attributes: Any) -> requests.Session:
        made = requests.Session()
        for name, value in attributes.items():
            setattr(made, name, value)
        return made

    mounted, wrapped, signed = session(), session(), session()
    mounted.mount("https://", type("Own", (HTTPAdapter,), {})())
    wrapped.adapters["https://"].send = print  # type: ignore[method-assign]
    signed.headers["Authorization"] = f"Token {CANARY}"
    with_cookies = session()
    with_cookies.cookies.set("session", CANARY)
    return [
        (session(auth=("u", CANARY)), "signs in by its auth"),
        (session(cert="client.pem"), "signs in by its auth or its cert"),
        (session(proxies={"https": f"http://u:{CANARY}@proxy"}), "credentials in an address"),
        (session(params={"access_token": CANARY}), "the parameter access_token"),
        (session(hooks={"response": [print]}), "has hooks"),
        (session(get=print), "something in get"),
        (signed, "the header Authorization"),
        (with_cookies, "cookies of its own"),
        (mounted, "an adapter of its own, a Own"),
        (wrapped, "something in send"),
    ]


@pytest.mark.parametrize("which", [refused_httpx, refused_sessions])
def test_a_client_that_may_get_another_users_answers_is_refused(which: Any) -> None:
    with memory_spot() as spot:
        marked = spot.mark(ask)
        for client, said in which():
            with pytest.raises(bs.UnstableKeyError, match=said) as caught:
                marked(client, "/")
            assert CANARY not in str(caught.value)


class Api(requests.Session):
    """A class of the program's, below one that names the attributes which are copied."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.base_url = base_url


def set_on(client: Any, base_url: str) -> Any:
    client.root = base_url
    return client


@pytest.mark.parametrize(
    "made",
    [
        Api,
        lambda url: set_on(requests.Session(), url),
        *[lambda url, of=of: set_on(of.Client(verify=TLS), url) for of in LIBRARIES],
        *[lambda url, of=of: of.Client(verify=TLS, default_encoding=url[-5:]) for of in LIBRARIES],
    ],
)
def test_what_a_program_adds_to_a_client_counts(made: Any) -> None:
    with memory_spot() as spot:
        one, two = "http://a/utf-7", "http://b/cp437"
        marked = spot.mark(ask)

        assert spot.key(marked, made(one), "/") == spot.key(marked, made(one), "/")
        assert spot.key(marked, made(one), "/") != spot.key(marked, made(two), "/")


def test_a_session_counts_until_a_server_has_signed_it_in(
    site: WebSite, caplog: pytest.LogCaptureFixture
) -> None:
    with memory_spot() as spot, requests.Session() as session:

        @spot.mark(ignore=("site",))
        def fetch(session: requests.Session, path: str) -> int:
            return session.get(site.url + path).status_code

        assert fetch(session, "/json") == 200
        with pytest.raises(bs.UnstableKeyError, match="cookies of its own"):
            fetch(session, "/json")
        assert spot.stats()["entries"] == 0, "a hit would leave a fresh session signed out"
        assert "or say with `key=` what counts of `session`" in caplog.text
        again = spot.mark(ignore=("site",), key={"session": type})(fetch.__wrapped__)
        for _ in range(2):
            with requests.Session() as fresh:
                assert again(fresh, "/json") == 200
        assert spot.stats()["hits"] == 1


def test_the_line_to_write_is_told(caplog: pytest.LogCaptureFixture) -> None:
    @findable
    class Shop:
        def __init__(self, user: str) -> None:
            self.user = user
            self.http = httpx.Client(auth=(user, CANARY), verify=TLS)

        def buy(self, what: str) -> str:
            return f"{what} for {self.user}"

    with memory_spot(strict=False) as spot:
        spot.mark(Shop.buy)(Shop("ann"), "tea")
        assert 'mark(ignore=("self.http",)); else' in caplog.text
        assert 'mark(key={"self": function})' in caplog.text
        buy = spot.mark(ignore=("self.http",))(Shop.buy)
        assert [buy(Shop(name), "tea") for name in ("ann", "bob", "ann")] == [
            "tea for ann",
            "tea for bob",
            "tea for ann",
        ]
        assert spot.stats()["hits"] == 1
    assert CANARY not in caplog.text

"""Read the pages of a site, politely, and each page at most once a day.

    python crawler.py https://example.org/

Stop it whenever you like. The next run reads what is missing, or older than a day.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import beautyspot as bs
import httpx
import stamina

AGENT = "example-crawler"  # a name of yours, and where you can be reached
DELAY = 0.25  # seconds between two requests to a host, unless its robots.txt says more
MOST = 1000  # pages

# One unit of the limit is a second in which a host is left alone.
spot = bs.Spot("crawler", limiter={"use": "gcra-shared", "rate": "1/s", "max_cost": 120})
client = httpx.Client(headers={"User-Agent": AGENT}, timeout=30)


class MissingPageError(Exception):
    """There is no such page; an answer, too."""

    def __init__(self, status: int) -> None:
        super().__init__(f"{status}: no such page")


def origin(url: str) -> str:
    """Scheme and host."""
    return urljoin(url, "/")


@spot.mark(ttl="1 day")
def robots(site: str) -> str:
    """What a site asks of crawlers."""
    response = client.get(f"{site}robots.txt", follow_redirects=True)
    return response.text if response.status_code == 200 else ""


@lru_cache
def rules(site: str) -> RobotFileParser:
    """The same, parsed."""
    parser = RobotFileParser()
    parser.parse(robots(site).splitlines())
    return parser


def delay(url: str, **_: object) -> float:
    """How long a host is left alone after a request."""
    return float(rules(origin(url)).crawl_delay(AGENT) or DELAY)


def is_passing(error: Exception) -> bool:
    """Whether another attempt may succeed; no request goes out for as long as the server says."""
    if isinstance(error, httpx.HTTPStatusError):
        spot.bucket.pause(error.response.headers.get("retry-after"))
        return error.response.status_code in (429, 502, 503, 504)
    return isinstance(error, httpx.TransportError)


@stamina.retry(on=is_passing, attempts=4, timeout=None)
@spot.limiter(cost=delay, key=lambda url, **_: origin(url), max_concurrent=1)
def get(url: str, *, since: httpx.Response | None) -> httpx.Response:
    """What a server says, if that is not what it said before."""
    headers = {}
    if since is not None and "etag" in since.headers:
        headers["If-None-Match"] = since.headers["etag"]
    elif since is not None and "last-modified" in since.headers:
        headers["If-Modified-Since"] = since.headers["last-modified"]
    response = client.get(url, headers=headers)
    if response.status_code in (404, 410):
        raise MissingPageError(response.status_code)
    return response if response.status_code < 400 else response.raise_for_status()


@spot.mark(ttl="1 day", cache_errors=(MissingPageError,), error_ttl="1h")
def page(url: str) -> httpx.Response:
    """A page; after a day the server is asked whether it has changed."""
    stored = spot.previous(page, url)
    before = stored.value if stored else None
    response = get(url, since=before)
    return before if before is not None and response.status_code == 304 else response


class Links(HTMLParser):
    """Finds the links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link leads."""
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def links(response: httpx.Response) -> Iterator[str]:
    """Where a page leads, within its site."""
    parser, here = Links(), str(response.url)
    if "html" in response.headers.get("content-type", ""):
        parser.feed(response.text)
    for link in [*parser.found, *response.headers.get_list("location")]:
        url = urldefrag(urljoin(here, link)).url
        if urlsplit(url).netloc == urlsplit(here).netloc and rules(origin(url)).can_fetch(
            AGENT, url
        ):
            yield url


def main(start: str) -> None:
    """Print the pages of a site, level by level."""
    seen, level = {start}, [start]
    while level:
        answers = list(spot.map(page, level, errors="return"))
        for url, answer in zip(level, answers, strict=True):
            print(url, answer.error if isinstance(answer, bs.Failed) else answer.status_code)
        good = [answer for answer in answers if not isinstance(answer, bs.Failed)]
        level = list({url: None for answer in good for url in links(answer) if url not in seen})
        level = level[: MOST - len(seen)]
        seen.update(level)


if __name__ == "__main__":
    main(sys.argv[1])

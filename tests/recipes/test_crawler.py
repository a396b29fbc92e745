"""The recipe for a crawler: it is polite, and asks for nothing that it knows."""

from __future__ import annotations

import beautyspot as bs
from recipes.conftest import Recipe
from servers.site import Site

PAGES = {
    "/robots.txt": "User-agent: *\nDisallow: /private",
    "/": '<a href="a">a</a> <a href="b#part">b</a> <a href="/private">p</a> <a href="gone">g</a>',
    "/a": '<a href="/b">b</a> <a href="http://elsewhere.example/">e</a>',
    "/b": "the end",
    "/private": "not for you",
}
READ = ["/", "/a", "/b", "/gone"]


LATER = """
import runpy, sys, time
real, hours = time.time, float(sys.argv.pop(1))
time.time = lambda: real() + hours * 3600
runpy.run_path("crawler.py", run_name="__main__")
"""


def test_a_crawl_is_polite_and_asks_nothing_twice(recipe: Recipe) -> None:
    (recipe.folder / "later.py").write_text(LATER)
    recipe.copy("crawler.py", "DELAY = 0.25", "DELAY = 0.02")
    with Site(PAGES) as site:
        site.refuse_once("/a", retry_after="1.5")  # longer than stamina sleeps by itself
        recipe.given["NO_PROXY"] = "127.0.0.1"

        def crawled(hours: float) -> list[str]:
            site.asked.clear()
            done = recipe.run_there("later.py", str(hours), f"{site.url}/")
            told = sorted(done.stdout.splitlines())
            assert [line.split()[1] for line in told[:3]] == ["200", "200", "200"]
            assert "404" in told[3]
            return sorted(site.asked)

        assert crawled(0) == [*READ, "/robots.txt"]
        assert (site.refused, site.too_early, site.most_at_once) == (1, 0, 1)
        with bs.open_store(recipe.folder / ".beautyspot") as store:
            assert sum(counts.grants for counts in store.counts()) == len(READ) + 1
        assert crawled(0.5) == []
        assert crawled(2) == ["/gone"], "a page that is missing is asked for after an hour"
        site.pages["/b"] = "another end"
        assert crawled(25) == [*READ, "/robots.txt"]
        assert site.unchanged == 2, "what has not changed should not be sent again"

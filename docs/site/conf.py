"""How Sphinx makes the site of the manual: `sphinx-build -W -n --keep-going -c docs/site . OUT`.

Its sources are the Markdown files where they stand, those of the members too, so that every link
between them leads to the same place here as in the repository.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

_version: dict[str, str] = {}
exec((ROOT / "VERSION.py").read_text(encoding="utf-8"), _version)  # noqa: S102 - a line of ours

project = "beautyspot"
author = "the authors of beautyspot"
project_copyright = author
release = version = _version["__version__"]
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
    "beautyspot_site",
]
root_doc = "README"
include_patterns = [
    "*.md",
    "beautyspot-*/README.md",
    "docs/**.md",
]
exclude_patterns = ["**/.*", "**/node_modules", "**/dist"]

smartquotes = False  # `--store` is no dash
default_role = "code"  # of docstrings
autodoc_member_order = "bysource"
napoleon_use_ivar = True
napoleon_custom_sections = [("Class attributes", "params_style")]
nitpick_ignore_regex = [("py:.*", ".*")]  # types in signatures need lead nowhere
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 6  # as in the repository: every heading is a place to link to
highlight_language = "text"
pygments_dark_style = "a11y-high-contrast-dark"
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

html_theme = "furo"
html_favicon = "../../beautyspot-dashboard/src/beautyspot_dashboard/static/icon.svg"
html_title = f"beautyspot {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_search_scorer = str(HERE / "scorer.js")
html_use_index = False
html_copy_source = False  # `beautyspot_site` puts each page's Markdown beside it
html_baseurl = os.environ.get("READTHEDOCS_CANONICAL_URL", "")
html_theme_options = {"navigation_with_keys": True}
linkcheck_timeout = 20
linkcheck_anchors = False  # many pages make their anchors by JavaScript

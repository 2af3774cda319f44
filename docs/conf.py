"""Sphinx configuration: ``make docs`` renders these pages and the API reference as a static site, offline."""

from __future__ import annotations

from typing import Final

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html import HTMLTranslator

project = "AIF Lab"
author = "AIF Lab contributors"
project_copyright = author

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.apidoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "myst_parser",
]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
suppress_warnings = [
    "myst.xref_missing",  # links to files of the repository, which are not pages
    "ref.python",  # numpydoc's "Returns" names values, which Sphinx takes for ambiguous types
]
exclude_patterns = ["_api/modules.rst"]

apidoc_modules = [
    {
        "path": "../perfcore",
        "destination": "_api",
        "separate_modules": True,
        "module_first": True,
        "exclude_patterns": ["**/__main__.py"],
    }
]
autodoc_default_options = {"ignore-module-all": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_ivar = True  # a dataclass documents its fields once
nitpicky = False

html_theme = "furo"
html_title = "AIF Lab"
html_static_path: list[str] = []
html_show_copyright = False
html_show_sphinx = False

_MATH_RENDERER: Final = "mathml"


def _inline(writer: HTMLTranslator, node: nodes.math) -> None:
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(writer: HTMLTranslator, node: nodes.math_block) -> None:
    writer.body.append(f"<p>{convert(node.astext(), display='block')}</p>")
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Render formulas as MathML, which browsers draw without a script or a download."""
    app.add_html_math_renderer(_MATH_RENDERER, (_inline, None), (_block, None))
    app.config.html_math_renderer = _MATH_RENDERER  # type: ignore[attr-defined]

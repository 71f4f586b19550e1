"""Sphinx: the manual from the Markdown files of this folder (pip install '.[docs]', make docs)."""

import isamapper

project = "isamapper"
author = "The isamapper developers"
version = release = isamapper.__version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["decisions/*"]
html_theme = "alabaster"
myst_heading_anchors = 3

"""A comparison as one page for a browser: nothing outside of it is needed, and nothing in it runs."""

from xlbuild.diff.show.html.page import html_page

__all__ = ["html_page"]

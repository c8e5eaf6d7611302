"""The screen in a browser of this machine: textual-serve runs one attached screen per tab behind a page of our own, which
loads nothing from elsewhere."""

from frmon.web.server import serve

__all__ = ["serve"]

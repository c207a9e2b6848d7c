"""The requests that only read, by their method and path."""

from __future__ import annotations

from urllib.parse import urlsplit

from cmkctl.sandbox.core import registry


def only_reads(method: str, url: str) -> bool:
    """Return True for a GET or HEAD, and for a POST such as ``checkNameAvailability``."""
    posted = urlsplit(url).path.rpartition("/providers/")[2].lower()
    return method in ("GET", "HEAD") or (method == "POST" and registry.read_action(posted) is not None)

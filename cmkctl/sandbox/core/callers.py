"""The caller of a request, from the claims of its token."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """A service principal that calls: its object id in the directory, and the application it belongs to."""

    object_id: str
    app_id: str

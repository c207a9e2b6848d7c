"""The running server: a TLS listener with the CONNECT proxy and the control endpoint beside it."""

from cmkctl.sandbox.server.running import Running

__all__ = ["Running"]

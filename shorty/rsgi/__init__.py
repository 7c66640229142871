"""Lets an ASGI application answer the RSGI requests that granian brings.

`shim` is the callable that joins the two. For one request, `body` brings what it carries, `answer`
decides how the response leaves, `pipe` lets a long one wait for its reader, and `client` tells who
is still there. Starting and ending the application is left to whoever makes the shim.
"""

from shorty.rsgi.shim import AsgiShim

__all__ = ["AsgiShim"]

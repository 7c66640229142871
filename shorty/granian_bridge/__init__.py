"""Everything that shorty does with granian: runs it on a given socket, and joins ASGI to its RSGI.

`server` runs an application on a socket that is open already, and `dispatch` hands each request to
it. `shim` lets an ASGI application answer RSGI requests: for one request, `body` brings what it
carries, `answer` decides how the response leaves, `pipe` lets a long one wait for its reader, and
`client` tells who is still there. `private` names what granian promises to nobody; a test holds
each name and signature that is relied on, and says what to look at where a new granian breaks it.
"""

from shorty.granian_bridge.server import Server
from shorty.granian_bridge.shim import AsgiShim

__all__ = ["AsgiShim", "Server"]

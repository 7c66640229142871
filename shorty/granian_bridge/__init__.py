"""Everything that shorty does with granian: runs it on a given socket, and adapts ASGI to RSGI.

`server` runs an application on an open socket, and `dispatch` passes each request to it. `shim`
lets an ASGI application answer RSGI requests: for each request, `client` reads its body and watches
for a disconnect, `answer` sends the response, and `pipe` makes a long response wait for its reader.
`access_log` writes an event for each request. `private` lists granian's private names. A test
checks each name and signature that is used, and says what to look at if a new granian breaks it.
"""

from shorty.granian_bridge.access_log import log_requests
from shorty.granian_bridge.server import Server
from shorty.granian_bridge.shim import AsgiShim

__all__ = ["AsgiShim", "Server", "log_requests"]

"""Checks each private name and signature of granian on which shorty relies.

If a new granian breaks one of these tests, its message names which file of `shorty/granian_bridge`
to compare with which file of granian. Then run `tests/granian_bridge` and `tests/serve`, which show
whether requests, streams and stops still work, and change the range in pyproject.toml.
"""

import inspect
from importlib.metadata import requires
from pkgutil import resolve_name
from typing import Any

import pytest

from shorty.granian_bridge import private

SPAWNING = (
    "Granian starts its RSGI worker another way. Compare `_spawn_rsgi_worker` and `_spawn_worker` "
    "of granian/server/embed.py with shorty/granian_bridge/server.py, which repeats the former but "
    "for the scheduler."
)
SOCKET = (
    "Granian opens its socket another way. Compare `_init_shared_socket` of "
    "granian/server/common.py with shorty/granian_bridge/server.py, which hands it an open one."
)
SCHEDULING = (
    "Granian hands out requests another way. Compare `_new_cbscheduler` and `_CBSchedulerAIO` of "
    "granian/_futures.py, and src/callbacks.rs, with shorty/granian_bridge/dispatch.py."
)
PROTOCOL = (
    "RSGI has changed. Compare granian/_granian.pyi and docs/spec/RSGI.md with `answer`, `body`, "
    "`client` and `pipe` in shorty/granian_bridge, and with redirect/route.Answering."
)

# (where it is, its parameters in order, what to look at)
SIGNATURES = [
    (
        "granian._granian:RSGIWorker",
        """
        worker_id sock ipc threads blocking_threads py_threads py_threads_idle_timeout backpressure
        http_mode http1_opts http2_opts websockets_enabled static_files ssl_enabled ssl_cert ssl_key
        ssl_key_password ssl_protocol_min ssl_ca ssl_crl ssl_client_verify metrics
        """,
        SPAWNING,
    ),
    ("granian._granian:RSGIWorker.serve_async", "self callback event_loop signal", SPAWNING),
    (
        "granian.server.embed:Server._spawn_rsgi_worker",
        """
        worker_id shutdown_event callback sock loop runtime_threads runtime_blocking_threads
        blocking_threads blocking_threads_idle_timeout backpressure task_impl http_mode
        http1_settings http2_settings websockets static_path log_access_fmt ssl_ctx scope_opts
        """,
        SPAWNING,
    ),
    ("granian._granian:WorkerSignal.add_cb", "self cb", SPAWNING),
    ("granian.server.common:AbstractServer._init_shared_socket", "self", SOCKET),
    ("granian._granian:SocketHolder", "fd uds backlog", SOCKET),
    (
        "granian._granian:CallbackScheduler",
        "event_loop cb aio_task aio_tenter aio_texit",
        SCHEDULING,
    ),
    ("granian._granian:RSGIHTTPProtocol.__aiter__", "self", PROTOCOL),
    ("granian._granian:RSGIHTTPProtocol.client_disconnect", "self", PROTOCOL),
    ("granian._granian:RSGIHTTPProtocol.response_empty", "self status headers", PROTOCOL),
    ("granian._granian:RSGIHTTPProtocol.response_str", "self status headers body", PROTOCOL),
    ("granian._granian:RSGIHTTPProtocol.response_bytes", "self status headers body", PROTOCOL),
    ("granian._granian:RSGIHTTPProtocol.response_file", "self status headers file", PROTOCOL),
    ("granian._granian:RSGIHTTPProtocol.response_stream", "self status headers", PROTOCOL),
    ("granian._granian:RSGIHTTPStreamTransport.send_bytes", "self data", PROTOCOL),
]

# (the function, names that its code must mention, what to look at)
MENTIONS = [
    ("granian.server.embed:Server.serve", {"_spawn_rsgi_worker"}, SPAWNING),
    ("granian.server.embed:Server._spawn_worker", {"_ssp", "_shd"}, SOCKET),
    ("granian.server.embed:Server.stop", {"signal_handler_interrupt"}, SPAWNING),
    ("granian.server.common:AbstractServer._init_shared_socket", {"_ssp", "_shd"}, SOCKET),
    ("granian.server.common:AbstractServer.startup", {"_init_shared_socket"}, SOCKET),
]


@pytest.mark.parametrize(("place", "parameters", "advice"), SIGNATURES)
def test_a_private_part_takes_what_it_is_given(place: str, parameters: str, advice: str) -> None:
    found = inspect.signature(find_part(place, advice)).parameters
    assert [*found] == parameters.split(), advice


@pytest.mark.parametrize(("place", "names", "advice"), MENTIONS)
def test_granian_uses_what_is_overridden(place: str, names: set[str], advice: str) -> None:
    assert names <= {*find_part(place, advice).__code__.co_names}, advice


def test_the_override_takes_what_granian_passes() -> None:
    """A wrapper adds `loop`; `_spawn_worker` passes the rest by position."""
    own = find_part("shorty.granian_bridge.server:Server._spawn_rsgi_worker", SPAWNING)
    granians = find_part("granian.server.embed:Server._spawn_rsgi_worker", SPAWNING)
    passed = {*inspect.signature(granians).parameters} - {"loop"}
    taken = {*inspect.signature(own).parameters} - {"self"}
    assert len(taken) == len(passed), SPAWNING


def test_the_scheduler_calls_what_is_set_on_it() -> None:
    assert hasattr(private.CallbackScheduler, "_ctx"), SCHEDULING
    assert hasattr(private.CallbackScheduler, "_schedule_fn"), SCHEDULING


def test_the_names_of_the_protocol_are_those_that_granian_documents() -> None:
    assert private.RSGIHTTPProtocol is find_part("granian.rsgi:HTTPProtocol", PROTOCOL)
    assert private.RSGIProtocolClosed is find_part("granian.rsgi:ProtocolClosed", PROTOCOL)


def test_only_the_granian_that_was_read_is_installed() -> None:
    (needed,) = [each for each in requires("shorty") or () if each.startswith("granian")]
    assert needed == "granian[uvloop]<2.9,>=2.8.7", "Read what the new range changes first."


def find_part(place: str, advice: str) -> Any:
    """The original, without granian's wrapper."""
    try:
        return inspect.unwrap(resolve_name(place))
    except AttributeError:
        pytest.fail(f"{place} is gone. {advice}")

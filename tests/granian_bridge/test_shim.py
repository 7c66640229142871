"""The adapter, through granian: requests and answers are as ASGI specifies."""

import hashlib
import http.client
import json
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.granian_bridge.shim_app import LONG
from tests.service import PATIENCE_S, Service

Sent = list[tuple[str, str]]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with tempfile.TemporaryDirectory() as folder, run(Path(folder)) as service:
        yield service
        assert service.stop() == 0


def run(folder: Path) -> Service:
    return Service(
        ["-m", "tests.serve.small_app", "tests.granian_bridge.shim_app:App"], folder
    ).wait_until_ready()


@pytest.fixture
def client(service: Service) -> Iterator[http.client.HTTPConnection]:
    client = http.client.HTTPConnection(*service.address, timeout=PATIENCE_S)
    yield client
    client.close()


def ask(client: http.client.HTTPConnection, method: str, path: str, **rest: Any) -> Any:
    client.request(method, path, **rest)
    answer = client.getresponse()
    return json.loads(answer.read())


def exchange(service: Service, sent: bytes) -> bytes:
    """All bytes of the server on a connection that it closes."""
    with service.connect(sent) as connection:
        return b"".join(iter(lambda: connection.recv(100_000), b""))


# Requests


def test_a_request_line_is_decoded_once(client: http.client.HTTPConnection) -> None:
    scope = ask(client, "GET", "/scope/a%20b%C3%A9?x=%41&y=%ff")
    assert scope["path"] == "/scope/a bé"
    assert scope["raw_path"] == "/scope/a%20b%C3%A9"
    assert scope["query"] == "x=%41&y=%ff"
    assert scope["version"] == "1.1"
    assert scope["method"] == "GET"


def test_a_query_in_utf_8_is_unchanged(service: Service) -> None:
    line = "GET /scope/x?q=\u65e5 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
    answer = exchange(service, line.encode())
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["query"] == "q=\u65e5"


def test_repeated_headers_are_kept_in_lower_case(service: Service) -> None:
    answer = exchange(
        service,
        b"GET /scope/x HTTP/1.1\r\nHost: a.example\r\nX-Word: One\r\nx-word: Two\r\n"
        b"Connection: close\r\n\r\n",
    )
    headers = json.loads(answer.partition(b"\r\n\r\n")[2])["headers"]
    assert ["x-word", "One"] in headers
    assert ["x-word", "Two"] in headers
    assert ["host", "a.example"] in headers


def test_an_authority_in_the_request_line_overrides_the_host(service: Service) -> None:
    answer = exchange(
        service,
        b"GET http://real.example/scope/x HTTP/1.1\r\nHost: other.example\r\n"
        b"Connection: close\r\n\r\n",
    )
    headers = json.loads(answer.partition(b"\r\n\r\n")[2])["headers"]
    assert [value for name, value in headers if name == "host"] == ["real.example"]


def test_addresses_are_split(service: Service, client: http.client.HTTPConnection) -> None:
    scope = ask(client, "GET", "/scope/x")
    assert scope["server"] == list(service.address)
    assert scope["client"] == list(client.sock.getsockname())


def test_http_1_0_is_called_so(service: Service) -> None:
    answer = exchange(service, b"GET /scope/x HTTP/1.0\r\n\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["version"] == "1.0"


@pytest.mark.parametrize("body", [b"", b"short", bytes(range(256)) * 80_000])
def test_a_body_comes_whole(client: http.client.HTTPConnection, body: bytes) -> None:
    read = ask(client, "POST", "/upload", body=body)
    assert read["length"] == len(body)
    assert read["digest"] == hashlib.sha256(body).hexdigest()


def test_a_long_body_comes_in_pieces(client: http.client.HTTPConnection) -> None:
    assert ask(client, "POST", "/upload", body=bytes(5_000_000))["pieces"] > 1


def test_a_body_of_unannounced_length_comes_whole(client: http.client.HTTPConnection) -> None:
    pieces = [b"one", b"two" * 100_000, b"three"]
    read = ask(client, "POST", "/upload", body=iter(pieces), encode_chunked=True)
    assert read["digest"] == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_a_body_is_asked_for_only_when_it_is_read(service: Service) -> None:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    with service.connect(head % b"/upload") as connection:
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"12345")
        assert b'"length":5' in connection.recv(1000)
    assert exchange(service, head % b"/unread").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 1000001", b"Transfer-Encoding: chunked"],
)
def test_a_limit_stops_a_body_before_its_end(service: Service, head: bytes) -> None:
    body = b"%x\r\n%s\r\n" % (1_000_001, bytes(1_000_001)) if b"chunked" in head else bytes(10)
    with service.connect(b"POST /limited HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s" % (head, body)) as it:
        assert it.recv(1000).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "sent",
    [
        b"Content-Length: 10\r\n\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n9\r\nha",
    ],
)
def test_a_body_that_breaks_off_does_not_pass_for_a_whole_one(
    service: Service, client: http.client.HTTPConnection, sent: bytes
) -> None:
    with service.connect(b"POST /patient HTTP/1.1\r\nHost: x\r\n%s" % sent) as connection:
        connection.shutdown(socket.SHUT_WR)
    kinds = "http.request-http.disconnect-http.disconnect"
    if sent.endswith(b"\r\nha"):
        kinds = "http.request-http.request-http.disconnect"
    client.request("GET", f"/ended/{kinds}")
    assert client.getresponse().read().decode() == kinds


def test_a_connection_continues_after_an_unread_body(
    client: http.client.HTTPConnection,
) -> None:
    for _ in range(3):
        client.request("POST", "/unread", body=b"something")
        assert client.getresponse().read() == b"not read"


# Answers


def test_each_cookie_has_a_header_of_its_own(client: http.client.HTTPConnection) -> None:
    client.request("GET", "/cookies")
    answer = client.getresponse()
    cookies = answer.headers.get_all("set-cookie") or []
    assert [cookie.partition(";")[0] for cookie in cookies] == ["one=1", "two=2"]
    assert answer.read() == b"set"


def test_head_keeps_the_length_and_sends_nothing(service: Service) -> None:
    answer = exchange(service, b"HEAD /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"\r\ncontent-length: 1234\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(("path", "status"), [("/nothing", 204), ("/unchanged", 304)])
def test_an_answer_without_a_body_keeps_the_connection(
    client: http.client.HTTPConnection, path: str, status: int
) -> None:
    for _ in range(2):
        client.request("GET", path)
        answer = client.getresponse()
        assert (answer.status, answer.read()) == (status, b"")


def test_a_short_stream_gets_its_length(client: http.client.HTTPConnection) -> None:
    client.request("GET", "/short-stream")
    answer = client.getresponse()
    assert answer.headers["content-length"] == "7"
    assert answer.read() == b"one,two"


def test_a_long_stream_is_produced_no_faster_than_it_is_read(
    service: Service, client: http.client.HTTPConnection
) -> None:
    client.request("GET", "/long-stream")
    answer = client.getresponse()
    assert answer.read(1)
    assert 0 < int(service.get("/produced")) < LONG // 2
    assert len(answer.read()) == LONG - 1
    assert service.get("/ended/long") == "long"


def test_a_long_stream_ends_when_its_reader_leaves(service: Service) -> None:
    with service.connect(b"GET /long-stream HTTP/1.1\r\nHost: x\r\n\r\n") as reader:
        assert reader.recv(1)
    assert service.get("/ended/long") == "long"
    assert int(service.get("/produced")) < LONG


def test_events_arrive_as_they_are_created(service: Service) -> None:
    with service.connect(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n") as reader:
        seen = b""
        while b"data: first" not in seen:
            seen += reader.recv(1000)
    assert b"text/event-stream" in seen
    assert service.get("/ended/events") == "events"


def test_a_body_that_breaks_off_is_answered_where_its_sender_still_reads(
    service: Service,
) -> None:
    answer = exchange(
        service,
        b"POST /torn HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
    )
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_sending_to_a_gone_client_raises(service: Service) -> None:
    with service.connect(b"GET /deaf HTTP/1.1\r\nHost: x\r\n\r\n") as reader:
        assert reader.recv(1)
    assert service.get("/ended/deaf") == "deaf"


def test_listening_after_the_answer_gets_a_disconnect(
    client: http.client.HTTPConnection,
) -> None:
    client.request("GET", "/curious")
    assert client.getresponse().read() == b"all"
    client.request("GET", "/ended/http.disconnect")
    assert client.getresponse().read() == b"http.disconnect"


def test_waiting_for_a_disconnect_ends_with_it(service: Service) -> None:
    with service.connect(b"GET /patient HTTP/1.1\r\nHost: x\r\n\r\n"):
        assert service.get("/ended/waiting") == "waiting"
    kinds = "http.request-http.disconnect-http.disconnect"
    assert service.get(f"/ended/{kinds}") == kinds


# Errors


@pytest.mark.parametrize("path", ["/fault", "/failing-stream/3", "/silent", "/half"])
def test_a_fault_before_anything_was_sent_is_a_500_that_tells_nothing(
    client: http.client.HTTPConnection, path: str
) -> None:
    client.request("GET", path)
    answer = client.getresponse()
    assert answer.status == 500
    assert b"secret" not in answer.read()
    client.request("GET", "/nothing")
    assert client.getresponse().status == 204


def test_a_fault_in_the_middle_of_a_stream_is_seen_as_one(
    client: http.client.HTTPConnection,
) -> None:
    client.request("GET", "/failing-stream/1000")
    answer = client.getresponse()
    assert answer.status == 200
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        answer.read()


def test_a_fault_is_logged_on_stderr_without_the_values_of_variables(
    service: Service, client: http.client.HTTPConnection
) -> None:
    client.request("GET", "/failing-stream/1000")
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        client.getresponse().read()
    service.stderr.wait_for("request_failed")
    service.stderr.wait_for("RuntimeError: a secret of the application")
    assert not [line for line in service.stderr.lines if "zebra" in line]
    assert len(service.stdout.lines) == 1


def test_streams_of_events_end_whole_when_the_server_stops(tmp_path: Path) -> None:
    with (
        run(tmp_path) as service,
        service.connect(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n") as reader,
    ):
        seen = b""
        while b"data: first" not in seen:
            seen += reader.recv(1000)
        service.send_signal(signal.SIGTERM)
        rest = b"".join(iter(lambda: reader.recv(1000), b""))
        assert rest.endswith(b"0\r\n\r\n")
        assert service.wait_for_end() == 0
        assert service.stderr.read_all() == []


def test_nothing_is_kept_of_requests_that_are_answered(
    service: Service, client: http.client.HTTPConnection
) -> None:
    for method, path in (
        ("HEAD", "/page"),
        ("GET", "/short-stream"),
        ("GET", "/long-stream"),
        ("GET", "/fault"),
        ("POST", "/unread"),
    ):
        client.request(method, path)
        client.getresponse().read()
    assert service.get("/ended/long") == "long"
    assert service.get("/kept") == "0"

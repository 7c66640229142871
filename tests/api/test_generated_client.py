"""A public generator makes a client of the document, and that client works.

The document is what a running server serves; the client asks that server.
"""

import sys
from collections.abc import Generator
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from subprocess import PIPE, STDOUT, run
from typing import Any, Final, NamedTuple

import httpx
import pytest

from tests.forks import ForkedService
from tests.qr.reading import RED_SQUARE
from tests.serve.running import make_database
from tests.service import Service

PACKAGE: Final = "generated_shorty"
# The generator knows no pictures and no tables; nothing is to format what it writes.
SETTINGS: Final = """
post_hooks: []
content_type_overrides:
  image/*: application/octet-stream
  image/png: application/octet-stream
  image/svg+xml: application/octet-stream
  text/csv: text/plain
  application/x-ndjson: text/plain
"""

pytestmark = [
    pytest.mark.sqlite_only("the client sees HTTP alone, which tests/api asks too"),
    # Looked up and not imported, which each worker would do while it collects all tests.
    pytest.mark.skipif(
        find_spec("openapi_python_client") is None,
        reason="openapi-python-client, which the extra 'test' has, is missing",
    ),
]


class Generated(NamedTuple):
    """The client's folder, and what the generator said."""

    folder: Path
    said: str


class Caller(NamedTuple):
    """A generated client that has a token, and the domain of its server."""

    client: Any
    host: str


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Service, str]]:
    folder = tmp_path_factory.mktemp("served")
    token = make_database(folder)
    with ForkedService(["-m", "shorty", "serve"], folder) as service:
        yield service.wait_until_ready(), token


def write_url(service: Service) -> str:
    host, port = service.address
    return f"http://{host}:{port}"


@pytest.fixture(scope="module")
def generated(service: tuple[Service, str], tmp_path_factory: pytest.TempPathFactory) -> Generated:
    folder = tmp_path_factory.mktemp("generated")
    document = httpx.get(f"{write_url(service[0])}/api/v1/openapi.json")
    (folder / "openapi.json").write_bytes(document.content)
    (folder / "settings.yml").write_text(SETTINGS, "utf-8")
    words = ["generate", "--path", "openapi.json", "--config", "settings.yml", "--meta", "none"]
    done = run(
        [sys.executable, "-m", "openapi_python_client", *words, "--output-path", PACKAGE],
        cwd=folder,
        stdout=PIPE,
        stderr=STDOUT,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return Generated(folder, done.stdout)


@pytest.fixture
def caller(
    generated: Generated, service: tuple[Service, str], monkeypatch: pytest.MonkeyPatch
) -> Generator[Caller]:
    server, token = service
    monkeypatch.syspath_prepend(generated.folder)
    client = import_module(PACKAGE).AuthenticatedClient(base_url=write_url(server), token=token)
    with client:
        yield Caller(client, f"localhost:{server.address[1]}")
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def find(name: str) -> Any:
    return import_module(f"{PACKAGE}.{name}")


def test_the_generator_has_nothing_to_say(generated: Generated) -> None:
    assert "WARNING" not in generated.said, generated.said
    assert generated.said.strip() == f"Generating {PACKAGE}"


@pytest.mark.usefixtures("caller")
def test_members_of_enums_have_names() -> None:
    models = find("models")
    assert [each.name for each in models.ListLinksSort] == [
        *("CLICK_COUNT", "CLICK_COUNT_DESCENDING", "CREATED_AT", "CREATED_AT_DESCENDING"),
        *("DELETED_AT", "DELETED_AT_DESCENDING"),
    ]
    assert models.ListLinksSort.CREATED_AT_DESCENDING.value == "-createdAt"


def test_a_link_is_created_read_changed_drawn_and_refused(caller: Caller) -> None:
    models, (client, host) = find("models"), caller
    wanted = models.LinkInput(
        url="https://example.com/",
        domain=host,
        custom_slug="made",
        tag_names=["Press", "News"],
        qr_code=models.QrSettingsInput(color="#112233"),
    )
    link = find("api.links.create_link").sync(client=client, body=wanted).link
    assert (link.short_code, link.url) == ("made", "https://example.com/")
    assert [each.tag.name for each in link.tags] == ["Press", "News"]
    read = find("api.links.get_link").sync(link.id, client=client).link
    assert read == link
    change = models.LinkChanges(title="Title", redirect_type="PERMANENT_301")
    changed = find("api.links.change_link").sync(link.id, client=client, body=change).link
    assert (changed.title, changed.redirect_type) == ("Title", "PERMANENT_301")
    listed = find("api.links.list_links").sync(
        client=client, sort=models.ListLinksSort.CLICK_COUNT, search="mad"
    )
    assert [each.id for each in listed.links] == [link.id]
    picture = find("api.qr_codes.draw_link_code").sync(link.id, client=client)
    assert picture.payload.read().startswith(b"\x89PNG")
    refused = find("api.links.create_link").sync(client=client, body=wanted)
    assert isinstance(refused, models.Problem)
    assert refused.code == "slug-taken"


def test_a_picture_is_uploaded_as_it_is(caller: Caller) -> None:
    file = find("types").File(payload=BytesIO(RED_SQUARE.encode()))
    made = find("api.qr_codes.create_logo").sync(client=caller.client, body=file)
    assert (made.logo.width, made.logo.height) == (400, 400)
    shown = find("api.qr_codes.get_logo_image").sync(made.logo.id, client=caller.client)
    assert shown.payload.read().startswith(b"\x89PNG")


def test_a_short_link_is_created_by_either_path(caller: Caller) -> None:
    models, (client, host) = find("models"), caller
    for name in ("create_short_link", "shorten_link"):
        wanted = models.ShortLinkInput(
            destination_url="https://example.com/", branded_domain=host, slash_tag=name
        )
        create = find(f"api.short_links.{name}")
        assert create.sync(client=client, body=wanted).data.slash_tag == name
        assert isinstance(create.sync(client=client, body=wanted), models.ErrorAnswer)

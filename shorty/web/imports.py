"""`/app/import`: uploads a file, previews the import, and runs it."""

from collections.abc import Sequence
from typing import Final, cast, get_args

from shorty.bidi import isolate
from shorty.domains.service import list_domains
from shorty.errors import ConflictError, ShortyError
from shorty.idn import write_host
from shorty.transfer.column_names import FIELD_NAMES
from shorty.transfer.columns import read_field
from shorty.transfer.files import Hints
from shorty.transfer.job_runs import ImportJob
from shorty.transfer.model import ImportOptions, OnConflict, SourceName
from shorty.transfer.progress import list_tally
from shorty.web.forms import Form
from shorty.web.guard import Pages
from shorty.web.rendering import list_cookie_headers, list_page_headers, render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer, StreamedAnswer

pages = Pages()

PLACE: Final = "/app/import"
LARGEST_UPLOAD: Final = 64 * 1024 * 1024
SHOWN_PROBLEMS: Final = 50
SHOWN_COLUMNS: Final = 60

# The name of each product, and the files it exports.
SOURCES: Final[dict[SourceName, tuple[str, str]]] = {
    "csv": ("Spreadsheet", "CSV from any product, with destination and slug columns"),
    "shorty": ("shorty", "A complete export from shorty"),
    "yourls": ("YOURLS", "A database dump, CSV or JSON"),
    "kutt": ("Kutt", "JSON from its API"),
    "shlink": ("Shlink", "CSV from its web client, or JSON from its API"),
    "bitly": ("Bitly", "CSV, or JSON from its API"),
    "dub": ("Dub", "CSV, or JSON from its API"),
}
CONFLICTS: Final[dict[OnConflict, str]] = {
    "skip": "Skip and report",
    "rename": "Rename: “sale” becomes “sale-2”",
    "fail": "Stop the import",
}
# What a column of a table can be: names of `columns.read_field`, and as people read them.
FIELDS: Final = {
    **{name: name.capitalize() for name in FIELD_NAMES},
    "short url": "Short link",
    "max clicks": "Maximum visits",
    "ignore": "Ignore this column",
}

# The names by which people know those that exports of today still have.
ENCODING_CHOICES: Final = {
    "": "Detect automatically (usually UTF-8)",
    "cp1252": "Windows-1252 (Excel in Western Europe)",
    "cp1250": "Windows-1250 (Excel in Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "iso8859-1": "ISO 8859-1 (Latin 1)",
    "iso8859-15": "ISO 8859-15 (Latin 9)",
    "mac-roman": "Mac OS Roman",
    "cp932": "Shift JIS (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "utf-16-le": "UTF-16",
}


@pages.handle("GET /import", needs="write")
async def show_import(request: WebRequest) -> Answer:
    return await show_form(request)


@pages.handle("POST /import", needs="write", limit=LARGEST_UPLOAD)
async def try_import(request: WebRequest) -> Answer:
    typed = request.typed
    upload = typed.files.get("file")
    if upload is None:
        return await show_form(request, faults={"file": "choose a file"})
    options = ImportOptions(
        domain=typed.read_optional("domain"),
        on_conflict=read_conflict(typed.read("on_conflict")),
        hints=read_hints(typed),
    )
    try:
        job = await request.services.transfers.try_file(
            request.actor, upload.file, upload.name, read_source(typed.read("source")), options
        )
    except ConflictError as error:
        return await show_form(request, error=error)
    return see_other(request, f"{PLACE}/{job.id}")


@pages.handle("GET /import/{job_id}", needs="write")
async def open_import(request: WebRequest) -> Answer:
    return show_job(request, await find_job(request))


@pages.handle("POST /import/{job_id}/begin", needs="write")
async def begin_import(request: WebRequest) -> Answer:
    job = await find_job(request)
    try:
        await request.services.transfers.begin(request.actor, job.id)
    except ConflictError as error:
        return show_job(request, job, error)
    return see_other(request, f"{PLACE}/{job.id}")


@pages.handle("POST /import/{job_id}/columns", needs="write")
async def try_columns(request: WebRequest) -> Answer:
    """Previews the file again, with what its person says about it."""
    job = await find_job(request)
    hints = read_hints(request.typed, job.headings)
    try:
        await request.services.transfers.try_again(request.actor, job.id, hints)
    except ConflictError as error:
        return show_job(request, job, error)
    return see_other(request, f"{PLACE}/{job.id}")


@pages.handle("POST /import/{job_id}/cancel", needs="write")
async def cancel_import(request: WebRequest) -> Answer:
    job = await find_job(request)
    await request.services.transfers.cancel(request.actor, job.id)
    return see_other(request, f"{PLACE}/{job.id}")


@pages.handle("POST /import/{job_id}/drop", needs="write")
async def drop_import(request: WebRequest) -> Answer:
    job = await find_job(request)
    try:
        await request.services.transfers.drop(request.actor, job.id)
    except ConflictError as error:
        return show_job(request, job, error)
    return see_other(request, PLACE, f"{isolate(job.file_name)} discarded.")


@pages.handle("GET /import/{job_id}/report", needs="write")
async def send_report(request: WebRequest) -> Answer:
    job = await find_job(request)
    return StreamedAnswer(
        await request.services.transfers.read_report(job),
        may_go_on=lambda: request.may_still("write"),
        media_type=b"text/csv; charset=utf-8",
        file_name="import-report.csv",
        headers=[*list_page_headers(request), *list_cookie_headers(request)],
    )


async def find_job(request: WebRequest) -> ImportJob:
    return await request.services.transfers.get_job(request.actor, request.path_params["job_id"])


def read_hints(typed: Form, headings: Sequence[str] = ()) -> Hints:
    """`column_0` is the field of the first heading, and so on."""
    encoding = typed.read_optional("encoding")
    named = ((typed.read(f"column_{number}"), each) for number, each in enumerate(headings))
    return Hints(
        columns=tuple(read_field(f"{field}={name}") for field, name in named if field in FIELDS),
        new_slugs=typed.is_checked("new_slugs"),
        encoding=encoding if encoding in ENCODING_CHOICES else None,
    )


def read_source(text: str) -> SourceName:
    return cast("SourceName", text) if text in get_args(SourceName) else "csv"


def read_conflict(text: str) -> OnConflict:
    return cast("OnConflict", text) if text in get_args(OnConflict) else "skip"


async def show_form(
    request: WebRequest,
    *,
    faults: dict[str, str] | None = None,
    error: ShortyError | None = None,
) -> Answer:
    services = request.services
    domains = await list_domains(services.db, request.actor.workspace_id)
    return render(
        request,
        "import.html",
        status=409 if error else 422 if faults else 200,
        sources=SOURCES,
        conflicts=CONFLICTS,
        encodings=ENCODING_CHOICES,
        domain_choices=[
            ("", "As in the file"),
            *((domain.host, write_host(domain.host)) for domain in domains if domain.is_verified),
        ],
        jobs=await services.transfers.list_jobs(request.actor),
        faults=faults or {},
        message=error.message if error else "",
        form=request.typed,
        largest=LARGEST_UPLOAD // 1024 // 1024,
    )


def show_job(request: WebRequest, job: ImportJob, error: ShortyError | None = None) -> Answer:
    progress = job.progress
    return render(
        request,
        "import_job.html",
        status=409 if error else 200,
        job=job,
        progress=progress,
        tally=list_tally,
        percent=100 * progress.done // progress.total if progress.total else 0,
        problems=progress.problems[:SHOWN_PROBLEMS],
        source_name=SOURCES[job.source][0],
        fields=FIELDS,
        most_columns=SHOWN_COLUMNS,
        chosen={heading: field or "ignore" for field, heading in job.options.hints.columns},
        encodings=ENCODING_CHOICES,
        message=error.message if error else "",
    )

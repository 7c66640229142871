"""`/app/links/jobs/…`: how far an action on many links is, what failed, and undoing a delete."""

import asyncio
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from shorty.errors import ConflictError, NotFoundError, StorageUnavailableError
from shorty.links.bulk_jobs import BulkJob
from shorty.web.cookies import Notice
from shorty.web.formatting import write_plural
from shorty.web.guard import Pages
from shorty.web.link_list import PLACE, read_back
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

RESTORE: Final = f"{PLACE}/restore"
# More ids would not fit in the notice's cookie.
UNDONE_AT_ONCE: Final = 200
LOSSES_NAMED: Final = 3
PATIENCE_S: Final = 1.5
"""So long the answer waits for an action to end; one that takes longer has a page of its own."""

# What an action has done, and what it does while it runs.
DONE: Final[dict[str, str]] = {
    "on": "{} enabled",
    "off": "{} disabled",
    "star": "{} starred",
    "unstar": "Star removed from {}",
    "tag": "{} tagged",
    "untag": "Tag removed from {}",
    "expiry": "Expiry set for {}",
    "no-expiry": "Expiry removed from {}",
    "domain": "{} moved",
    "delete": "{} deleted",
    "restore": "{} restored",
}
DOING: Final[dict[str, str]] = {
    "on": "Enabling {}",
    "off": "Disabling {}",
    "star": "Starring {}",
    "unstar": "Removing the star from {}",
    "tag": "Tagging {}",
    "untag": "Removing the tag from {}",
    "expiry": "Setting the expiry of {}",
    "no-expiry": "Removing the expiry of {}",
    "domain": "Moving {}",
    "delete": "Deleting {}",
    "restore": "Restoring {}",
}


@pages.handle("GET /links/jobs/{action_id}", needs="write")
async def show_progress(request: WebRequest) -> Answer:
    back = read_back(request.read_query().get("back", ""))
    return show_job(request, await find_job(request), back)


@pages.handle("POST /links/jobs/{action_id}/cancel", needs="write")
async def cancel_job(request: WebRequest) -> Answer:
    job = await request.services.bulk_jobs.cancel(request.actor, request.path_params["action_id"])
    return see_other(request, write_job_place(job, read_back(request.typed.read("back"))))


@pages.handle("POST /links/jobs/{action_id}/undo", needs="write")
async def undo_delete(request: WebRequest) -> Answer:
    """Restores what a finished delete has deleted."""
    job, back = await find_job(request), read_back(request.typed.read("back"))
    if job.action != "delete" or job.is_running or not job.done_ids:
        raise ConflictError(
            "There is nothing to undo. Deleted links can be restored from the list."
        )
    try:
        restoring = await request.services.bulk_jobs.start(request.actor, "restore", job.done_ids)
    except ConflictError as error:
        return see_other(request, back, notice=warn(error.message))
    return await await_job(request, restoring, back)


async def await_job(request: WebRequest, job: BulkJob, back: str, row: str = "") -> Answer:
    """Back at the list if it was quick and at most one link failed; otherwise at the job's page.

    `row` is the fragment of the list's address that scrolls to the row whose button was pressed.
    """
    if job.task is not None:
        await asyncio.wait({job.task}, timeout=PATIENCE_S)
    jobs = request.services.bulk_jobs
    if job.is_running or job.error or job.failed > 1:
        with suppress(StorageUnavailableError):  # then this node alone can show it
            await jobs.keep(job)
        return see_other(request, write_job_place(job, back))
    if job.action == "delete" and job.total == 1 and job.failed:
        raise NotFoundError("link", job.link_ids[0])
    if job.action == "delete" and job.done_ids:
        if len(job.done_ids) > UNDONE_AT_ONCE:
            await jobs.keep(job)
        return see_other(request, back, notice=offer_undo(job, back))
    return see_other(request, f"{back}{row}", notice=tell_outcome(job))


async def find_job(request: WebRequest) -> BulkJob:
    return await request.services.bulk_jobs.get_job(request.actor, request.path_params["action_id"])


def write_job_place(job: BulkJob, back: str) -> str:
    return f"{PLACE}/jobs/{job.id}?back={quote(back, safe='')}"


def show_job(request: WebRequest, job: BulkJob, back: str) -> Answer:
    return render(
        request,
        "link_job.html",
        job=job,
        title=(DOING if job.is_running else DONE)[job.action].format(
            count_links(job.total if job.is_running else len(job.done_ids))
        ),
        back=back,
        percent=100 * job.seen // job.total if job.total else 100,
    )


def offer_undo(job: BulkJob, back: str) -> Notice:
    text = f"{count_links(len(job.done_ids))} deleted."
    if job.failed:
        text = f"{text} {describe_failure(job)}"
    if len(job.done_ids) > UNDONE_AT_ONCE:
        undo = f"{PLACE}/jobs/{job.id}/undo"
        return Notice(text=text, undo=undo, undo_fields=(("back", back),))
    ids = " ".join(map(str, job.done_ids))
    return Notice(text=text, undo=RESTORE, undo_fields=(("ids", ids), ("back", back)))


def tell_outcome(job: BulkJob) -> Notice:
    """How many succeeded, and why the one that failed did."""
    text = f"{DONE[job.action].format(count_links(len(job.done_ids)))}."
    if job.failed:
        text = f"{text} {describe_failure(job)}"
    text = " ".join((text, *job.losses[:LOSSES_NAMED]))
    if job.lost > LOSSES_NAMED:
        text = f"{text} {job.lost - LOSSES_NAMED:,} more aliases were not restored."
    return Notice(text=text, is_alarm=bool(job.failed or job.lost))


def describe_failure(job: BulkJob) -> str:
    return f"{count_links(job.failed)} failed: {job.failures[0].message.rstrip('.')}."


def warn(text: str) -> Notice:
    return Notice(text=text, is_alarm=True)


def count_links(count: int) -> str:
    return write_plural(count, "link")

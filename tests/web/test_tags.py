import pytest

from shorty.web import tags
from tests.api.house import House
from tests.web.browser import Browser, read_text


async def test_a_tag_is_made_renamed_and_deleted(owner: Browser) -> None:
    page = await owner.follow(await owner.send("/app/tags", name="Autumn", color="#4477aa"))
    assert "Tag “Autumn” created." in read_text(page)
    page = await owner.follow(await owner.send("/app/tags/1", name="Winter", color="#228833"))
    assert "Winter" in read_text(page)
    assert "#228833" in page
    page = await owner.follow(await owner.send("/app/tags/1/delete"))
    assert "No tags yet" in read_text(page)


async def test_many_tags_come_in_pages(owner: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "ON_A_PAGE", 2)
    for name in ("Alpha", "Beta", "Gamma"):
        await owner.send("/app/tags", name=name)
    await owner.open("/app/tags")  # whose notice says that the last one was created
    first = (await owner.open("/app/tags")).text
    assert "Beta" in first
    assert "Gamma" not in first
    second = (await owner.open("/app/tags?after=2")).text
    assert 'href="/app/tags?after=2"' in first
    assert "Gamma" in second
    assert "Alpha" not in second
    assert "To the start" in read_text(second)


async def test_a_taken_name_stands_beside_the_field_and_nothing_is_lost(owner: Browser) -> None:
    await owner.send("/app/tags", name="Autumn")
    answer = await owner.send("/app/tags", name="autumn", color="#112233")
    assert answer.status_code == 422
    assert "A tag named" in read_text(answer.text)
    assert 'value="autumn"' in answer.text
    assert 'value="#112233"' in answer.text


async def test_a_name_is_shown_as_text(owner: Browser) -> None:
    page = await owner.follow(await owner.send("/app/tags", name="<script>alert(1)</script>"))
    assert "<script>alert" not in page
    assert "<script>alert(1)</script>" in read_text(page.replace("&lt;", "<")) or "alert(1)" in page


async def test_a_viewer_sees_tags_and_changes_none(owner: Browser, viewer: Browser) -> None:
    await owner.send("/app/tags", name="Autumn")
    page = (await viewer.open("/app/tags")).text
    assert "Autumn" in page
    assert "New tag" not in page
    assert (await viewer.send("/app/tags", name="Mine")).status_code == 403
    assert (await viewer.send("/app/tags/1/delete")).status_code == 403


async def test_another_workspaces_tag_is_not_there(
    house: House, owner: Browser, stranger: Browser
) -> None:
    await owner.send("/app/tags", name="Spring")
    assert "Spring" not in (await stranger.open("/app/tags")).text
    assert (await stranger.send("/app/tags/1", name="Mine")).status_code == 404
    assert (await stranger.send("/app/tags/1/delete")).status_code == 404
    assert "Spring" in (await owner.open("/app/tags")).text

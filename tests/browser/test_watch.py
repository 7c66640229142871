"""Tests the watch itself: no error in a page stays unnoticed."""

from playwright.sync_api import Page, expect

from tests.browser.watch import Watch


def test_a_page_of_ours_causes_no_trouble(page: Page, watch: Watch) -> None:
    page.goto("/app/tags")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tags")
    assert watch.troubles == []


def test_what_the_policy_forbids_is_seen(page: Page, watch: Watch) -> None:
    page.goto("/app/tags")
    watch.forgive("Content Security Policy", "evil.example")
    with page.expect_console_message(lambda each: each.type == "error"):
        page.evaluate(
            """() => {
              const script = document.createElement("script");
              script.textContent = "alert(1)";
              document.body.append(script);
            }"""
        )
    assert any("Content Security Policy" in each for each in watch.troubles)


def test_errors_of_scripts_are_seen(page: Page, watch: Watch) -> None:
    page.goto("/app/tags")
    watch.forgive("a fault of the test")
    with page.context.expect_event("weberror"):
        page.evaluate("() => { setTimeout(() => { throw new Error('a fault of the test'); }); }")
    assert len(watch.troubles) == 1


def test_requests_to_elsewhere_are_seen(page: Page, watch: Watch) -> None:
    watch.forgive("left the origin: GET http://127.0.0.2:9/")
    page.route("http://127.0.0.2:9/", lambda route: route.fulfill(body="elsewhere"))
    page.goto("http://127.0.0.2:9/")
    assert len(watch.troubles) == 1

"""A receiver's deliveries are in the log, and can be sent again."""

from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.site import Site
from tests.webhooks.receiver import Receiver


def test_a_delivery_is_seen_and_sent_again(
    page: Page, site: Site, ann: Home, receiver: Receiver
) -> None:
    site.make_link(ann, customSlug="hooked", title="Hooked", webhookUrls=receiver.url)
    site.visit("hooked")
    site.portal.call(receiver.wait_for, 1)
    page.goto("/app/webhooks")
    row = page.get_by_role("listitem").filter(has_text="/hooked")
    expect(row).to_contain_text(receiver.url)
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Payload")).to_be_visible()
    page.get_by_role("button", name="Resend").click()
    first, second = site.portal.call(receiver.wait_for, 2)
    assert second.id == first.id
    tries = page.get_by_role("region", name="Attempts")
    expect(tries.get_by_text("Responded 200")).to_have_count(2)


def test_the_secret_that_is_shown_signs_what_is_sent(
    page: Page, site: Site, receiver: Receiver
) -> None:
    page.goto("/app/webhooks/receivers")
    page.get_by_label("Endpoint URL").fill(receiver.url)
    page.get_by_role("button", name="Send test event").first.click()
    (message,) = site.portal.call(receiver.wait_for, 1)
    page.goto("/app/webhooks/signing")
    page.get_by_role("link", name="Show").click()
    secret = page.locator(".secret code").inner_text()
    message.verify(secret)

"""People at the dashboard of a house: members of its workspace, and how they get in."""

from shorty.accounts.model import Role
from shorty.accounts.service import Home
from shorty.accounts.sessions import start_session
from shorty.web.cookies import SESSION
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import make_colleague
from tests.web.browser import Browser


async def sign_in_at(house: House, home: Home) -> Browser:
    made = await house.app.db.write(
        lambda tx: start_session(tx, home.user.id, home.workspace.id, "Firefox", house.now)
    )
    client = make_client(house.app)
    client.cookies.set(SESSION, made.text)
    browser = Browser(client)
    await browser.open("/app/tags")
    return browser


async def make_member(house: House, role: Role, email: str) -> Home:
    home = await make_colleague(house.app.db, await house.make_actor(), role, email)
    return Home(user=home.user, workspace=house.home.workspace)

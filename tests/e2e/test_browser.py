"""What a person sees: a headless Chromium types the command, opens the thread, clicks, reads the form."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from bot.demo.lab.tenant import LabTenant
from bot.demo.local_slack import LocalSlack
from tests.e2e.conftest import Serving
from tests.e2e.reading import Bot

pytestmark = pytest.mark.needs("local-slack", "namespaces", "chromium")

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-proxy-server"]


@pytest_asyncio.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = await browser.new_page(viewport={"width": 1500, "height": 1300})
            page.set_default_timeout(15_000)
            yield page
        finally:
            await browser.close()


async def say(page: Page, words: str) -> None:
    await page.locator("textarea.composer-input").first.fill(words)
    await page.keyboard.press("Enter")


async def test_command_thread_check_again_and_copy_for_partner(page: Page, slack: LocalSlack, bot: Bot, tmp_path: Path) -> None:
    await page.goto(slack.base)
    await page.locator(".sidebar-item", has_text="inc-mail").click()
    await say(page, "/mailflow check Fabrikam")

    verdict = page.locator(".msg-text", has_text="Failing: Fabrikam — 450 4.4.317").or_(
        page.get_by_text("Failing: Fabrikam — 450 4.4.317")
    )
    await expect(verdict.first).to_be_visible()
    await page.locator(".thread-summary").first.click()
    thread = page.locator(".thread-pane")
    await expect(thread.get_by_text("What to do").first).to_be_visible()
    await page.screenshot(path=tmp_path / "1-thread.png")

    await thread.locator(".bk-button", has_text="Check again").first.click()
    await expect(thread.locator(".bk-button", has_text="Check again")).to_have_count(2)
    await page.screenshot(path=tmp_path / "2-again.png")

    await thread.locator(".bk-button", has_text="Copy for partner").last.click()
    form = page.locator(".modal")
    await expect(form.locator(".modal-title")).to_have_text("Copy for partner")
    text = form.locator("input, textarea").first
    await expect(text).to_have_value(re.compile(r"^Hello,[\s\S]*mx\.fabrikam\.lab\.test"))
    await page.screenshot(path=tmp_path / "3-form.png")


async def test_a_fix_by_two_people(page: Page, slack: LocalSlack, tenant: LabTenant, fixing: Serving, tmp_path: Path) -> None:
    async with fixing():
        await page.goto(slack.base)
        await page.locator(".sidebar-item", has_text="inc-mail").click()
        await say(page, '/mailflow check "Contoso on-premises"')
        await page.locator(".thread-summary").first.click()
        await _ask(page, tmp_path)
        await _approve(page, tenant, tmp_path)


async def _ask(page: Page, tmp_path: Path) -> None:
    thread = page.locator(".thread-pane")
    await thread.locator(".bk-button", has_text="Fix now").click()
    form = page.locator(".modal")
    await expect(form.get_by_text("InternalRelay → Authoritative")).to_be_visible()
    await form.locator("input").last.fill("CHG-1: the server is gone")
    await page.screenshot(path=tmp_path / "4-reason.png")
    await form.get_by_role("button", name="Next").click()
    await expect(form.get_by_text("Go on in the thread")).to_be_visible()
    await page.screenshot(path=tmp_path / "5-sent.png")
    await form.get_by_role("button", name="Close").click()
    await expect(thread.get_by_text("Reason: CHG-1: the server is gone")).to_be_visible()
    await page.screenshot(path=tmp_path / "6-plan.png")
    await thread.locator(".bk-button", has_text="Ask for approval").click()


async def _approve(page: Page, tenant: LabTenant, tmp_path: Path) -> None:
    thread = page.locator(".thread-pane")
    await page.locator(".actas select").select_option("U02BOB")
    await expect(thread.locator(".bk-button", has_text="Approve")).to_be_visible()
    await page.screenshot(path=tmp_path / "7-asked-for.png")
    await thread.locator(".bk-button", has_text="Approve").click()
    await expect(thread.locator(".bk-button", has_text="Undo")).to_be_visible()
    await expect(thread.locator(".bk-button", has_text="Approve")).to_have_count(0)
    await page.screenshot(path=tmp_path / "8-done.png")
    assert tenant.value("connector", "Contoso on-premises", "Enabled") is False
    await thread.locator(".bk-button", has_text="Undo").click()
    await expect(thread.locator(".bk-button", has_text="Undo")).to_have_count(0)
    await expect(thread.get_by_text("was taken back").first).to_be_visible()
    await page.screenshot(path=tmp_path / "9-undone.png")
    assert tenant.value("connector", "Contoso on-premises", "Enabled") is True


BOUNCE = (
    "Server at gone.contoso.lab.test (127.0.11.2) returned '450 4.4.316 Connection refused [Message=Socket error code 10061]'"
)


async def test_a_bounce_explained_in_its_thread_and_from_a_form(page: Page, slack: LocalSlack, bot: Bot, tmp_path: Path) -> None:
    await page.goto(slack.base)
    await page.locator(".sidebar-item", has_text="inc-mail").click()
    await say(page, f"Why did this come back? {BOUNCE}")
    await page.get_by_text("Why did this come back?").hover()
    await page.locator(".msg-hover-btn[title='Reply in thread']").first.click()
    thread = page.locator(".thread-pane")
    await thread.locator("textarea").fill("<@U0BOT> explain")
    await page.keyboard.press("Enter")
    await expect(thread.get_by_text("Queued: gone.contoso.lab.test — 450 4.4.316").first).to_be_visible()
    await expect(thread.get_by_text("The same fault").first).to_be_visible()
    await page.screenshot(path=tmp_path / "10-explained.png")

    await say(page, "/mailflow explain")
    form = page.locator(".modal")
    await expect(form.locator(".modal-title")).to_have_text("Explain an error")
    await form.locator("input, textarea").last.fill(BOUNCE.replace("450 4.4.316", "550 5.4.316"))
    await page.screenshot(path=tmp_path / "11-form.png")
    await form.get_by_role("button", name="Explain").click()
    await expect(page.get_by_text("Expired: gone.contoso.lab.test — 550 5.4.316").first).to_be_visible()
    await page.screenshot(path=tmp_path / "12-parent.png")


async def test_a_file_that_is_dropped_beside_a_mention(page: Page, slack: LocalSlack, bot: Bot, tmp_path: Path) -> None:
    bounce = tmp_path / "bounce.eml"
    bounce.write_text(f"From: postmaster@contoso.lab.test\nSubject: Undeliverable\n\n{BOUNCE}\n")
    await page.goto(slack.base)
    await page.locator(".sidebar-item", has_text="inc-mail").click()
    await page.locator("input[type=file]").first.set_input_files(bounce)
    await page.locator("textarea.composer-input").first.fill("<@U0BOT> explain")
    await page.screenshot(path=tmp_path / "13-file.png")
    await page.get_by_role("button", name="Send").first.click()
    await page.locator(".thread-summary").first.click()
    thread = page.locator(".thread-pane")
    await expect(thread.get_by_text("Queued: gone.contoso.lab.test — 450 4.4.316").first).to_be_visible()
    await expect(thread.get_by_text("Read from 1 attached file (.eml)").first).to_be_visible()
    await page.screenshot(path=tmp_path / "14-file-explained.png")

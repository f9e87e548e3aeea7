"""What a person sees: a headless Chromium types the command, opens the thread, clicks, reads the form."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from bot.demo.local_slack import LocalSlack
from tests.e2e.reading import Bot

pytestmark = pytest.mark.needs("local-slack", "namespaces", "chromium")

CHROMIUM = "/usr/bin/chromium"


async def test_command_thread_check_again_and_copy_for_partner(slack: LocalSlack, bot: Bot, tmp_path: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--no-proxy-server"]
        )
        try:
            page = await browser.new_page(viewport={"width": 1500, "height": 1100})
            page.set_default_timeout(15_000)
            await _talk(page, slack, tmp_path)
        finally:
            await browser.close()


async def _talk(page: Page, slack: LocalSlack, tmp_path: Path) -> None:
    await page.goto(slack.base)
    await page.locator(".sidebar-item", has_text="inc-mail").click()
    await page.locator("textarea.composer-input").first.fill("/mailflow check Fabrikam")
    await page.keyboard.press("Enter")

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

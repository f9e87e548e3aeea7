"""The files of a message, fetched from a server that plays Slack: what is had, what is not and why, and where the token goes."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from bot.conversation.question import File
from bot.slack.inbound import file_download
from bot.slack.inbound.file_download import MOST, fetched, may_have_token
from bot.slack.inbound.message_text import files_of
from bot.slack.inbound.payloads import direct_message, mention, shortcut
from bot.slack.transport.client import Slack, open_slack
from commands.explain import FORMS
from commands.request import Attached

TOKEN = "xoxb-1-secret"
BOUNCE = b"450 4.4.316 Connection refused"
MAIL = {"name": "bounce.eml", "mimetype": "message/rfc822", "filetype": "eml"}

# --- What a message says of its files ---


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ({"files": [{"id": "F1", **MAIL}]}, (File("F1", "bounce.eml", "message/rfc822", "eml"),)),
        ({"files": [{"id": "F1", "file_access": "check_file_info"}]}, (File("F1"),)),
        ({"files": [{"id": "F1"}], "attachments": [{"files": [{"id": "F2"}, {"id": "F1"}]}]}, (File("F1"), File("F2"))),
        ({"files": [{"id": "../F1"}, {"id": 7}, {}, None, "F2"], "attachments": [None, {"files": 3}]}, ()),
        ({"files": [{"id": f"F{n}"} for n in range(500)]}, tuple(File(f"F{n}") for n in range(20))),
        ({"files": {"id": "F1"}, "attachments": "F1"}, ()),
        ({}, ()),
    ],
)
def test_what_hangs_on_a_message(message: Mapping[str, Any], found: tuple[File, ...]) -> None:
    assert files_of(message) == found


def said(text: str, **more: Any) -> dict[str, Any]:
    files = [{"id": "F1"}]
    event = {"user": "U1", "channel": "D1", "channel_type": "im", "ts": "17.5", "text": text, "files": files}
    return {"team_id": "T1", "event": event | {"subtype": "file_share"} | more}


@pytest.mark.parametrize(
    ("text", "words"), [("", ("explain", "--", "")), ("explain", ()), ("explain 450 4.4.316", ()), ("check a.example", ())]
)
def test_a_file_alone_is_to_be_explained(text: str, words: tuple[str, ...]) -> None:
    for asked in (mention(said(f"<@U0BOT> {text}"), "U0BOT", "mailflow"), direct_message(said(text), "U0BOT")):
        assert asked
        assert (asked.text, asked.words, asked.files) == (text, words, (File("F1"),))
        assert "F1" not in asked.dump()


def test_what_came_along_is_meant_before_what_stands_above() -> None:
    asked = mention(said("<@U0BOT> explain", thread_ts="16.1"), "U0BOT", "mailflow")
    assert asked
    assert not asked.means_thread


def test_a_bots_file_asks_nothing() -> None:
    assert direct_message(said("", bot_id="B1"), "U0BOT") is None


def test_the_files_of_a_message_that_is_chosen() -> None:
    assert shortcut({"message": {"ts": "1.1", "files": [{"id": "F1", "name": "a.eml"}]}}).files == (File("F1", "a.eml"),)


# --- Where the token may go ---


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://files.slack.com/files-pri/T1-F1/download/a%20b.eml?pub=1", True),
        ("https://slack.com/files-pri/T1-F1/a.eml", True),
        ("https://contoso.enterprise.slack.com/files-pri/T1-F1/a.eml", True),
        ("https://files.slack-gov.com/files-pri/T1-F1/a.eml", True),
        ("http://127.0.0.1:8080/files-pri/T1-F1/a.eml", True),
        ("http://files.slack.com/files-pri/T1-F1/a.eml", False),
        ("https://files.slack.com.evil.example/a.eml", False),
        ("https://evilslack.com/a.eml", False),
        ("https://evil-slack.com/a.eml", False),
        ("https://files.slack.com@evil.example/a.eml", False),
        ("https://evil.example/https://files.slack.com/", False),
        ("https://evil.example\\.slack.com/", False),
        ("https://files.slack.com\\@evil.example/", False),
        ("https://files.slack.com:8443/a.eml", False),
        ("https://files.slack.com", False),
        ("https://files.slack.com/a b", False),
        ("https://slack-files.com/T1-F1-aa", False),
        ("http://127.0.0.1:80801/a.eml", False),
        ("http://127.0.0.1:8080@evil.example/a.eml", False),
        ("https://127.0.0.1:8080/a.eml", False),
        ("//files.slack.com/a.eml", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_hosts_that_may_have_the_token(url: str, may: bool) -> None:
    assert may_have_token(url, "http://127.0.0.1:8080/api/") is may


# --- Fetching ---


@dataclass
class Stand:
    """Plays Slack: `told` is what files.info says by id, beside a place to download; `gives` what is there."""

    base: str = ""
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    gives: dict[str, web.Response] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    drip: float = 0.0

    def has(self, id: str, content: bytes = BOUNCE, **told: Any) -> File:
        self.told[id] = {"id": id, **MAIL, "url_private_download": f"{self.base}/files/{id}", **told}
        self.gives[id] = web.Response(body=content, content_type="application/octet-stream")
        return File(id, **MAIL)

    async def info(self, request: web.Request) -> web.Response:
        self.asked.append(id := request.query["file"])
        told = self.told.get(id, {"error": "file_not_found"})
        return web.json_response(told if "error" in told else {"ok": True, "file": told})

    async def file(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        self.tokens.add(request.headers.get("Authorization", ""))
        if not self.drip:
            return self.gives[request.match_info["id"]]
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x")
            await asyncio.sleep(self.drip)


async def served(stand: Stand) -> web.AppRunner:
    app = web.Application()
    app.router.add_get("/api/files.info", stand.info)
    app.router.add_get("/files/{id}", stand.file)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stand.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    return runner


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    stand = Stand()
    runner = await served(stand)
    yield stand
    await runner.cleanup()


@pytest.fixture
async def slack(stand: Stand) -> AsyncIterator[Slack]:
    async with open_slack(f"{stand.base}/api/", TOKEN) as slack:
        yield slack


async def test_a_file_is_had_with_the_token(stand: Stand, slack: Slack) -> None:
    assert await fetched(slack, [stand.has("F1")]) == (Attached("bounce.eml", BOUNCE),)
    assert stand.tokens == {f"Bearer {TOKEN}"}
    assert "450" not in repr(Attached("bounce.eml", BOUNCE)), "it could get into a log"


async def test_a_stub_of_another_organisations_file_is_looked_up(stand: Stand, slack: Slack) -> None:
    stand.has("F1")
    assert await fetched(slack, [File("F1")]) == (Attached("bounce.eml", BOUNCE),)


# what Slack says of the file → why it is not had
TOLD: list[tuple[dict[str, Any], str]] = [
    ({"error": "missing_scope"}, "the Slack app lacks the optional scope files:read"),
    ({"error": "file_deleted"}, "Slack did not give it: file_deleted"),
    ({"size": MOST + 1}, "larger than 5 MiB"),
    ({"is_external": True}, "kept outside Slack"),
    ({"url_private_download": "https://files.slack.com.evil.example/x"}, "Slack gave no address of its own for it"),
    ({"url_private_download": None}, "Slack gave no address of its own for it"),
]


@pytest.mark.parametrize(("told", "trouble"), TOLD, ids=[row[1] for row in TOLD])
async def test_what_is_not_even_asked_for(told: dict[str, Any], trouble: str, stand: Stand, slack: Slack) -> None:
    (file,) = await fetched(slack, [stand.has("F1", **told)])
    assert (file, stand.asked) == (Attached("bounce.eml", None, trouble), ["F1"])


@pytest.mark.parametrize(
    ("told", "form"),
    [
        ({"mimetype": "image/png"}, "picture"),
        ({"mimetype": "image/heic", "filetype": "heic"}, "picture"),
        ({"mimetype": "video/mp4"}, "recording"),
        ({"mimetype": "application/pdf"}, "pdf"),
        ({"mimetype": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}, "word"),
        ({"mimetype": "application/msword"}, "word"),
        ({"mimetype": "application/vnd.openxmlformats-officedocument.presentationml.presentation"}, "presentation"),
        ({"mimetype": "application/vnd.ms-excel.sheet.binary.macroenabled.12"}, "old-workbook"),
        ({"mimetype": "application/vnd.oasis.opendocument.text"}, "office-document"),
        ({"mimetype": "application/vnd.slack-docs", "filetype": "quip"}, "office-document"),
        ({"mimetype": "application/x-7z-compressed"}, "archive"),
        ({"mimetype": "application/octet-stream", "filetype": "rar"}, "archive"),
    ],
)
async def test_a_form_that_is_not_read_is_not_fetched(told: dict[str, Any], form: str, stand: Stand, slack: Slack) -> None:
    assert form in FORMS
    (file,) = await fetched(slack, [stand.has("F1", **told)])
    assert (file, stand.asked) == (Attached("bounce.eml", form=form), ["F1"])


@pytest.mark.parametrize(
    ("mimetype", "filetype"),
    [
        ("application/zip", "zip"),
        ("application/x-zip-compressed", "zip"),
        ("application/gzip", "gzip"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        ("application/vnd.ms-excel", "csv"),
        ("application/vnd.ms-outlook", "msg"),
        ("application/ms-tnef", "binary"),
        ("image/svg+xml", "svg"),
        ("application/octet-stream", "binary"),
    ],
)
async def test_what_may_be_read_is_fetched(mimetype: str, filetype: str, stand: Stand, slack: Slack) -> None:
    (file,) = await fetched(slack, [stand.has("F1", mimetype=mimetype, filetype=filetype)])
    assert file.content == BOUNCE


# what the download brings → why it is not had
GIVEN = [
    (web.Response(status=500), "Slack did not give it: HTTP 500"),
    (web.Response(status=404), "Slack did not give it: HTTP 404"),
    (web.Response(body=b"<!DOCTYPE html>Sign in", content_type="text/html"), "Slack asked to sign in instead of giving it"),
    (web.Response(body=b"x" * (MOST + 1)), "larger than 5 MiB"),
]


@pytest.mark.parametrize(("given", "trouble"), GIVEN, ids=[row[1] for row in GIVEN])
async def test_what_is_no_file(given: web.Response, trouble: str, stand: Stand, slack: Slack) -> None:
    asked = stand.has("F1", size=10)
    stand.gives["F1"] = given
    assert await fetched(slack, [asked]) == (Attached("bounce.eml", None, trouble),)


async def test_a_page_that_is_a_page_is_had(stand: Stand, slack: Slack) -> None:
    asked = stand.has("F1", mimetype="text/html")
    stand.gives["F1"] = web.Response(body=BOUNCE, content_type="text/html")
    assert (await fetched(slack, [asked]))[0].content == BOUNCE


async def test_another_origin_never_gets_the_token(stand: Stand, slack: Slack) -> None:
    other = Stand()
    runner = await served(other)
    led = stand.has("F1")
    stand.gives["F1"] = web.Response(status=302, headers={"Location": f"{other.base}/files/F1"})
    files = [
        led,
        stand.has("F2", url_private_download=f"{other.base}/files/F2"),
        stand.has("F3", url_private_download="http://["),
    ]
    assert not [file for file in await fetched(slack, files) if file.content]
    await runner.cleanup()
    assert other.asked == []


async def test_what_comes_by_drops_is_given_up(stand: Stand, slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_download, "SECONDS", 0.4)
    stand.drip = 0.02
    files = await fetched(slack, [stand.has("F1"), stand.has("F2")])
    assert [file.trouble for file in files] == ["not fetched within 0.4 seconds"] * 2


async def test_what_is_packed_stays_packed(stand: Stand, slack: Slack) -> None:
    packed = gzip.compress(bytes(4 * MOST))
    asked = stand.has("F1")
    stand.gives["F1"] = web.Response(body=packed, headers={"Content-Encoding": "gzip"})
    assert (await fetched(slack, [asked]))[0].content == packed


async def test_all_together_have_one_bound(stand: Stand, slack: Slack) -> None:
    files = [stand.has(f"F{n}", bytes(MOST // 2), size=0) for n in range(2)] + [stand.has("F2", b"x", size=0)]
    assert [len(file.content or b"") for file in await fetched(slack, files)] == [MOST // 2, MOST // 2, 0]


async def test_few_are_read_and_pictures_are_none_of_them(stand: Stand, slack: Slack) -> None:
    pictures = [File(f"F{n}", "x.png", "image/png", "png") for n in range(10)]
    files = await fetched(slack, [*pictures, *(stand.has(f"F{n}") for n in range(10, 16))])
    assert [file.form for file in files] == [*["picture"] * 10, *[""] * 6]
    assert [file.trouble for file in files] == [*[""] * 15, "more than 5 files"]


async def test_a_missing_scope_is_learnt_once(stand: Stand, slack: Slack) -> None:
    files = await fetched(slack, [stand.has("F1", error="missing_scope"), stand.has("F2")])
    assert {file.trouble for file in files} == {"the Slack app lacks the optional scope files:read"}
    assert stand.asked == ["F1"]


async def test_a_slack_that_is_away_is_no_fault_of_the_file() -> None:
    async with open_slack("http://127.0.0.1:1/api/", TOKEN) as slack:
        assert await fetched(slack, [File("F1")]) == (Attached("", None, "Slack did not give it: no answer"),)

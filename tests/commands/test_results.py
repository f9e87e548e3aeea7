"""`result`, `transcript`, `watch`, `connectors`: what comes after a check, through the one way in."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import cast

import pytest

from bot.demo.lab.lab import Lab
from bot.demo.lab.world import World, parse
from bot.wiring import open_services
from commands.reply import Reply
from commands.request import Actor, Request
from commands.result_cache import Memory
from commands.run import run
from diagnostics.model import Diagnosis
from diagnostics.store import Report, Store, StoredResult, StoreUnavailable, Watch
from tests.scenario import settings_for

READER = Actor("U1", frozenset({"reader"}))

WORLD: World = parse(
    {
        "title": "One server that refuses, one that answers 421",
        "dns": {"refuses.lab.test": ["A 127.0.70.1"], "busy.lab.test": ["A 127.0.70.2"]},
        "mail": {"127.0.70.2": {"behaviour": "banner-421"}},
        "connectors": [
            {"Name": "Refuses", "SmartHosts": ["refuses.lab.test"]},
            {"Name": "Busy", "ConnectorType": "Partner", "SmartHosts": ["busy.lab.test"]},
        ],
    }
)


class Forgetful:
    """A store that is away."""

    async def keep_result(self, result: StoredResult) -> None:
        raise StoreUnavailable("it is away")

    async def result(self, id: str) -> StoredResult | None:
        raise StoreUnavailable("it is away")

    async def add_watch(self, watch: Watch, *, now: datetime, **_limits: int | None) -> bool:
        raise StoreUnavailable("it is away")

    async def report(self, guid: str, **_since: datetime) -> Report | None:
        raise StoreUnavailable("it is away")


class Noting(Forgetful):
    """A store that notes watches."""

    def __init__(self) -> None:
        self.watches: list[Watch] = []

    async def add_watch(self, watch: Watch, *, now: datetime, **_limits: int | None) -> bool:
        self.watches.append(watch)
        return len(self.watches) == 1


async def said(tmp_path: Path, *lines: str, store: object = None, place: str = "") -> list[Reply]:
    """The replies to these lines, where ID in a line is the id of the first result of the first reply."""
    replies: list[Reply] = []
    async with Lab(WORLD, tmp_path) as lab, open_services(settings_for(lab)) as services:
        mine = replace(services, store=cast(Store | None, store), memory=Memory(cast(Store | None, store)))
        for line in lines:
            document = replies[0].document if replies else None
            id = document.results[0].id if isinstance(document, Diagnosis) else ""
            words = tuple(word.replace("ID", id) for word in line.split())
            replies.append(await run(Request(words, READER, place), mine, lambda _: None))
    return replies


async def test_a_result_can_be_seen_again_as_it_was(tmp_path: Path) -> None:
    first, again = await said(tmp_path, "check Refuses", "result ID")
    assert again.headline == first.headline
    assert again.actions == first.actions
    assert "As seen on " in again.sections[0].items[0].text


async def test_its_json_is_the_one_that_check_gave(tmp_path: Path) -> None:
    first, again = await said(tmp_path, "check Refuses", "result ID --json")
    assert isinstance(first.document, Diagnosis)
    assert again.as_json
    assert again.document is not None
    then, now = (json.loads(d.model_dump_json(by_alias=True)) for d in (first.document, again.document))
    assert now["schema"] == "mailflow/check/1"
    assert now["results"] == then["results"]


async def test_the_transcript_is_what_was_said(tmp_path: Path) -> None:
    _, told = await said(tmp_path, "check Busy", "transcript ID")
    lines = [item.text for section in told.sections for item in section.items]
    assert lines[0] == "busy.lab.test 127.0.70.2"
    assert any(line.strip().startswith("S: 421 ") for line in lines)


async def test_the_text_for_the_partner_names_nothing_of_ours(tmp_path: Path) -> None:
    _, told = await said(tmp_path, "check Busy", "result ID --partner-text")
    text = "\n".join(item.text for section in told.sections for item in section.items)
    assert told.audience == "asker"
    assert "busy.lab.test" in text
    for inside in ("Busy", "127.0.70.2", "probe.lab.test"):
        assert inside not in text


@pytest.mark.parametrize("line", ["result r-unknown", "transcript r-unknown", "check --again r-unknown"])
async def test_an_unknown_id_is_a_mistake_that_says_what_to_do(tmp_path: Path, line: str) -> None:
    (told,) = await said(tmp_path, line)
    assert told.exit_code == 2
    assert "Name the target instead" in told.headline


async def test_a_store_that_is_away_fails_no_check_and_is_named_by_what_needs_it(tmp_path: Path) -> None:
    first, gone, watch = await said(tmp_path, "check Refuses", "result r-other", "watch ID", store=Forgetful(), place="thread")
    assert first.exit_code == 1
    assert gone.exit_code == 2
    assert "store cannot be reached" in watch.headline


async def test_a_watch_is_kept_once_for_the_thread_it_was_asked_in(tmp_path: Path) -> None:
    store = Noting()
    _, first, second = await said(tmp_path, "check Refuses", "watch ID", "watch ID", store=store, place="thread")
    assert "every 5 minutes" in first.sections[0].items[0].text
    assert second.headline == "This is being watched here already."
    assert (store.watches[0].word, store.watches[0].place) == ("Refuses", "thread")


async def test_a_watch_without_a_thread_is_a_mistake(tmp_path: Path) -> None:
    _, told = await said(tmp_path, "check Refuses", "watch ID")
    assert "needs a thread" in told.headline


async def test_connectors_are_listed_with_where_they_came_from(tmp_path: Path) -> None:
    (told,) = await said(tmp_path, "connectors")
    assert told.headline == "2 connectors known"
    assert "connectors.json" in told.sections[0].items[0].text
    assert [(item.text, item.tag) for item in told.sections[1].items] == [("Refuses", "on, on premises"), ("Busy", "on, partner")]

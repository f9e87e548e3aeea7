"""What a person may type as a target, through the real command: refused before anything is asked, or asked for as it is meant."""

import asyncio
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bot.demo.lab.world import parse
from commands.reply import Reply
from commands.request import Request
from commands.run import run
from diagnostics.model import Diagnosis
from diagnostics.net.guard import is_public
from diagnostics.net.names import NameFault, address
from tests.properties.peers import bench
from tests.scenario import OWNER, Outcome, check

WORLD = parse(
    {
        "dns": {"mail.lab.test": ["A 127.0.48.1"], "xn--mnchen-3ya.test": ["A 127.0.48.1"]},
        "mail": {"127.0.48.1": {}},
        "connectors": [{"Name": "range", "SmartHosts": ["203.0.113.0/24"]}],
    }
)

REFUSED = {
    "port": ("mail.lab.test:22", "port 25"),
    "port-redis": ("127.0.48.1:6379", "port 25"),
    "port-of-literal": ("[::1]:25", ""),
    "range": ("203.0.113.0/24", "range"),
    "snowman": ("☃.test", "no host name"),
    "right-to-left": ("mail\u202e.test", "no host name"),
    "blank": ("a b.test", "There is no connector"),
    "nul": ("a\0b.test", "letters, digits and hyphens"),
    "hyphen-first": ("-x.test", "letters, digits and hyphens"),
    "label-of-64": ("a" * 64 + ".test", "letters, digits and hyphens"),
    "name-of-256": (".".join(["a" * 63] * 4), "255 characters"),
    "empty-label": ("a..b", "letters, digits and hyphens"),
    "ten-thousand": ("a" * 10_000, "10000 characters"),
    "zone-id": ("fe80::1%eth0", "zone id"),
    "url": ("http://mail.lab.test/", ""),
    "hex": ("0x7f.1", "number"),
    "short": ("127.1", "number"),
    "number": ("2130706433", "number"),
    "octal": ("0177.0.0.1", "number"),
    "nothing": ("  ", "names nothing"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_no_target_is_refused_before_anything_is_asked(case: str, tmp_path: Path) -> None:
    word, says = REFUSED[case]
    outcome = await check(WORLD, tmp_path, "--", word)
    assert outcome.reply.exit_code == 2
    assert says in outcome.reply.headline
    assert "\n" not in outcome.reply.headline
    assert len(outcome.reply.headline) < 400
    assert nothing_was_asked(outcome)


MEANT = {
    "trailing-dot": ("mail.lab.test.", "mail.lab.test"),
    "upper-case": ("MAIL.Lab.TEST", "mail.lab.test"),
    "u-label": ("münchen.test", "xn--mnchen-3ya.test"),
    "wide-letters": ("\uff4dail.lab.test", "mail.lab.test"),
    "bracketed-literal": ("[127.0.48.1]", "127.0.48.1"),
    "bare-literal": ("127.0.48.1", "127.0.48.1"),
}


@pytest.mark.parametrize("case", MEANT)
async def test_what_is_meant_is_asked_for(case: str, tmp_path: Path) -> None:
    """And the form that was asked for stands beside what was typed."""
    word, host = MEANT[case]
    outcome = await check(WORLD, tmp_path, word)
    (result,) = outcome.results
    assert result.verdict == "healthy"
    assert result.target == word
    assert [path.host for path in result.paths] == [host]


async def test_of_a_mail_address_only_the_domain_is_kept(tmp_path: Path) -> None:
    outcome = await check(WORLD, tmp_path, "somebody@mail.lab.test")
    (result,) = outcome.results
    assert (result.target, result.verdict) == ("mail.lab.test", "healthy")
    assert "somebody" not in outcome.reply.headline + result.model_dump_json()


async def test_a_range_as_smart_host_is_not_expanded(tmp_path: Path) -> None:
    outcome = await check(WORLD, tmp_path)
    (result,) = outcome.results
    assert (result.verdict, result.reason) == ("unknown", "nothing-to-check")
    assert "range" in result.summary
    assert nothing_was_asked(outcome)


def nothing_was_asked(outcome: Outcome) -> bool:
    return not outcome.lab.queries and not any(mail.sessions for mail in outcome.lab.mail.values())


def is_somebodys(word: str) -> bool:
    """An address of the Internet, which a check would go to."""
    try:
        literal = address(word.rpartition("@")[2].strip())
    except NameFault:
        return False
    return literal is not None and is_public(literal)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(word=st.one_of(st.text(max_size=80), st.from_regex(r"[a-z0-9.:\[\]%/@_-]{1,40}", fullmatch=True)))
def test_any_word_ends_in_one_sentence_or_a_verdict(word: str, tmp_path: Path) -> None:
    """Never an internal error, and never a wait."""
    assume(not is_somebodys(word))

    async def ask() -> Reply:
        async with bench(parse({}), tmp_path, allow_private=False, timeout=0.5, deadline=1.0) as (services, _):
            return await run(Request(("check", "--", word), OWNER), services, lambda _: None)

    started = time.monotonic()
    reply = asyncio.run(ask())
    assert time.monotonic() - started < 2
    assert reply.exit_code in (1, 2, 3)
    assert isinstance(reply.document, Diagnosis) or reply.exit_code == 2, reply.headline

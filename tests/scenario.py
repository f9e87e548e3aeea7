"""Runs a world through the real command, on real sockets, and holds the answer against what the world expects.

Everything that a world does not declare is forbidden: a warning, a path, a word to the mail server beyond the handshake.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.demo.lab.lab import Lab
from bot.demo.lab.world import World
from bot.settings import Settings
from bot.wiring import open_services
from commands.reply import Reply
from commands.request import Actor, Request
from commands.run import run
from diagnostics.catalogue.phrases import MISSING
from diagnostics.model import Diagnosis, Result

ALWAYS = frozenset({"split-horizon", "probed-from-inside", "revocation-not-checked", "rsa-certificate-not-checked"})
"""Warnings that every lab has, since its addresses are not public and its usual certificate is an ECDSA one; `all_warnings` in an
expectation names them too."""

POLITE = re.compile(r"(?:EHLO|HELO) [a-z0-9.-]+|STARTTLS|QUIT", re.IGNORECASE)
OWNER = Actor("test", frozenset({"reader", "owner"}))


@dataclass(frozen=True)
class Outcome:
    """What the command answered, and the lab that it asked."""

    reply: Reply
    lab: Lab

    @property
    def results(self) -> Sequence[Result]:
        assert isinstance(self.reply.document, Diagnosis), self.reply.headline
        return self.reply.document.results


def settings_for(lab: Lab, **changes: Any) -> Settings:
    """Settings of a check in the lab: short limits, no control host."""
    plain: dict[str, Any] = {
        "connectors": lab.connectors_file,
        "accepted_domains": lab.accepted_domains_file,
        "dns": (lab.dns,),
        "smtp_port": lab.smtp_port,
        "ca_file": lab.ca_file,
        "allow_private": True,
        "control_host": "",
        "timeout": 2.0,
        "deadline": 4.0,
        "ehlo_name": "probe.lab.test",
    }
    return Settings(**(plain | changes))


async def check(world: World, folder: Path, *words: str, anywhere: bool = False, **changes: Any) -> Outcome:
    """`check WORDS` in a world, with settings of the world's [check] and of the caller."""
    asked = dict(world.check)
    targets = tuple(asked.pop("targets", ()))
    async with Lab(world, folder, anywhere=anywhere) as lab, open_services(settings_for(lab, **(asked | changes))) as services:
        reply = await run(Request(("check", *(words or targets)), OWNER), services, lambda _: None)
    return Outcome(reply, lab)


def hold_against(outcome: Outcome, expected: Sequence[Mapping[str, Any]]) -> None:
    """Asserts every expectation, and that nothing else was said or done."""
    results = {r.target: r for r in outcome.results}
    assert len(results) == len(outcome.results), "a target was answered twice"
    assert sorted(results) == sorted(e["target"] for e in expected)
    for expectation in expected:
        _hold_one(results[expectation["target"]], expectation)
    for address, mail in outcome.lab.mail.items():
        rude = [line for line in mail.lines if line and not POLITE.fullmatch(line)]
        assert not rude, f"{address} heard {rude}"
        assert mail.most_open <= 2, f"{address} had {mail.most_open} connections at once"


def _hold_one(result: Result, expectation: Mapping[str, Any]) -> None:
    where = expectation["target"]
    said = result.model_dump_json() + "".join(line for path in result.paths for line in path.transcript)
    assert MISSING not in said, f"{where}: a template wants a fact that nobody gave"
    seen = (result.verdict, result.code, result.reason)
    assert seen == (expectation["verdict"], expectation.get("code"), expectation.get("reason")), f"{where}: {result.summary}"
    warnings = {w.id for w in result.warnings}
    if "all_warnings" in expectation:
        assert warnings == set(expectation["all_warnings"]), where
    else:
        assert warnings - ALWAYS == set(expectation.get("warnings", ())), where
    causes = {c.id: c.likelihood for c in result.causes}
    for cause, likelihood in expectation.get("causes", {}).items():
        assert causes.get(cause) == likelihood, f"{where}: {causes}"
    for cause in result.causes:
        assert cause.evidence or cause.likelihood == "possible", f"{where}: {cause.id} without evidence"
    if "first_cause" in expectation:
        assert result.causes[0].id == expectation["first_cause"], f"{where}: {causes}"
    if "paths" in expectation:
        assert [_path(p.host, p.address, p.reason) for p in result.paths] == expectation["paths"], where
    for text in expectation.get("says", ()):
        assert text in result.model_dump_json(), f"{where}: {text!r} is not said"
    if "agrees" in expectation:
        assert expectation["agrees"] in (result.code, *result.also_seen_as), where


def _path(host: str, address: str | None, reason: str | None) -> str:
    return " ".join(part for part in (host, address if address != host else None, str(reason) if reason else "ok") if part)

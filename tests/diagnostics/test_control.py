"""The control host on real sockets: what fails there too is this machine's fault (contract 4, "The control host")."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab import Lab, parse
from bot.demo.lab.world import World
from bot.wiring import open_services
from commands.request import Request
from commands.run import run
from diagnostics.probes import control as control_host
from diagnostics.probes.control import Control, is_its_own
from tests.scenario import OWNER, check, settings_for

CONTROL = "control.lab.test"
OWN = {"name": CONTROL}


def world(mail: dict[str, Any] | None, dns: Any = ("A 127.0.31.1",), **more: Any) -> World:
    servers = {"127.0.31.1": OWN | mail} if mail is not None else {}
    names = {CONTROL: list(dns) if isinstance(dns, tuple) else dns, "dead.lab.test": ["A 127.0.31.9"], "mute.lab.test": "silent"}
    return parse({"dns": names | more.pop("dns_too", {}), "mail": servers | more.pop("mail_too", {}), **more})


async def asked(world: World, folder: Path) -> Control:
    async with Lab(world, folder) as lab, open_services(settings_for(lab, control_host=CONTROL, timeout=0.4)) as services:
        assert services.tools.control is not None
        return await services.tools.control.ask()


BANNER = "220 edge.lab.test Microsoft ESMTP MAIL Service ready"

STATES: dict[str, tuple[World, str]] = {
    "healthy": (world({"banner": BANNER}), "answers"),
    "refused": (world(None), "tcp"),
    "silent to SYN": (world({"behaviour": "black-hole"}), "tcp"),
    "another's banner": (world({"banner": "220 proxy.corp.example ESMTP"}), "intercepted"),
    "a banner that only looks like its own": (world({"banner": "220 evillab.test.example ESMTP"}), "intercepted"),
    "no STARTTLS": (world({"banner": BANNER, "behaviour": "no-starttls"}), "intercepted"),
    "stars for STARTTLS": (world({"banner": BANNER, "extensions": ["XXXXXXXA"]}), "intercepted"),
    "closed at once": (world({"behaviour": "close-at-accept"}), "intercepted"),
    "no banner": (world({"behaviour": "banner-never"}), "intercepted"),
    "no such name": (world({}, dns="nxdomain"), "dns"),
    "no answer": (world({}, dns="silent"), "dns"),
    "SERVFAIL": (world({}, dns="servfail"), "dns"),
    "one dead family": (world({"banner": BANNER}, dns=("AAAA ::1", "A 127.0.31.1")), "answers"),
}


@pytest.mark.parametrize("case", STATES)
async def test_the_control_host_is_told_apart(case: str, tmp_path: Path) -> None:
    built, state = STATES[case]
    control = await asked(built, tmp_path)
    assert control.state == state
    assert control.facts["host"] == CONTROL
    assert all(value.isprintable() for value in control.facts.values())


@pytest.mark.parametrize(
    ("banner", "own"),
    [
        ("220 AM0PR01CA0001.outlook.office365.com Microsoft ESMTP", False),
        ("220 BN8NAM11FT042.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready", True),
        ("220 BN8NAM11FT042.Mail.Protection.OUTLOOK.com. hello", True),
        ("220 outlook.com", True),
        ("220 notoutlook.com ESMTP", False),
        ("220 outlook.com.evil.example ESMTP", False),
        ("220 proxy.corp.example for outlook.com-users", False),
        ("220 ****************", False),
    ],
)
def test_a_banner_is_its_own_when_it_names_a_host_of_its_domain(banner: str, own: bool) -> None:
    assert is_its_own("outlook-com.olc.protection.outlook.com", banner) is own


async def test_the_banners_clock_is_compared_with_this_machines(tmp_path: Path) -> None:
    world_time = datetime.now(UTC) + timedelta(hours=26)
    said = f"{BANNER} at {world_time:%a, %d %b %Y %H:%M:%S} +0000"
    control = await asked(world({"banner": said}), tmp_path)
    assert control.clock_off is not None
    assert abs(control.clock_off - timedelta(hours=26)) < timedelta(minutes=1)


# --- through the whole command ---

DEAD = [{"Name": "dead", "SmartHosts": ["dead.lab.test"]}]
MUTE = [{"Name": "mute", "SmartHosts": ["mute.lab.test"]}]


@pytest.mark.parametrize(
    ("case", "connectors", "told"),
    [
        ("healthy", DEAD, ("failing", "450 4.4.316", "tcp-refused")),
        ("refused", DEAD, ("unknown", None, "vantage-port-25-blocked")),
        ("silent to SYN", DEAD, ("unknown", None, "vantage-port-25-blocked")),
        ("another's banner", DEAD, ("unknown", None, "vantage-port-25-intercepted")),
        ("no STARTTLS", DEAD, ("unknown", None, "vantage-port-25-intercepted")),
        ("healthy", MUTE, ("failing", "450 4.4.312", "dns-timeout")),
        ("refused", MUTE, ("failing", "450 4.4.312", "dns-timeout")),
        ("no answer", MUTE, ("unknown", None, "vantage-dns")),
    ],
)
async def test_no_claim_is_made_that_this_machine_could_fake(
    case: str, connectors: list[dict[str, Any]], told: tuple[str, str | None, str], tmp_path: Path
) -> None:
    built = STATES[case][0]
    asked_world = World(built.title, built.dns, built.mail, tuple({"Guid": "", **c} for c in connectors))
    outcome = await check(asked_world, tmp_path, control_host=CONTROL, timeout=0.4)
    assert [(r.verdict, r.code, r.reason) for r in outcome.results] == [told]
    assert outcome.reply.exit_code == (1 if told[0] == "failing" else 3)


async def test_the_control_host_is_asked_once_a_run_and_not_without_need(tmp_path: Path) -> None:
    both = [{"Name": f"dead {n}", "SmartHosts": ["dead.lab.test"]} for n in range(3)]
    built = STATES["healthy"][0]
    several = await check(World("", built.dns, built.mail, tuple(both)), tmp_path, control_host=CONTROL)
    assert len(several.lab.mail["127.0.31.1"].sessions) == 1
    fine = parse(
        {"dns": {CONTROL: ["A 127.0.31.1"], "ok.lab.test": ["A 127.0.31.2"]}, "mail": {"127.0.31.1": {}, "127.0.31.2": {}}}
    )
    healthy = await check(fine, tmp_path, "ok.lab.test", control_host=CONTROL)
    assert [r.verdict for r in healthy.results] == ["healthy"]
    assert not healthy.lab.mail["127.0.31.1"].sessions


async def times_asked(folder: Path, mail: dict[str, Any], *anew: bool) -> int:
    """How often the control host was connected to, by so many questions in a row."""
    async with Lab(world(mail), folder) as lab, open_services(settings_for(lab, control_host=CONTROL, timeout=0.4)) as services:
        assert services.tools.control is not None
        for each in anew:
            await services.tools.control.ask(anew=each)
        return len(lab.mail["127.0.31.1"].sessions)


FAILS = {"banner": "220 proxy.corp.example ESMTP"}


async def test_an_answer_is_kept_unless_it_is_wanted_anew(tmp_path: Path) -> None:
    assert await times_asked(tmp_path, {"banner": BANNER}, False, False, True, False) == 2


async def test_a_failing_control_host_is_asked_again_after_ten_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (control_host.KEPT_SECONDS, control_host.FAILING_SECONDS) == (300.0, 10.0)
    assert await times_asked(tmp_path, FAILS, False, False) == 1
    monkeypatch.setattr(control_host, "FAILING_SECONDS", -1.0)
    assert await times_asked(tmp_path, FAILS, False, False) == 2
    assert await times_asked(tmp_path, {"banner": BANNER}, False, False) == 1


@pytest.mark.parametrize(("kind", "sessions"), [("OnPremises", 2), ("Partner", 1)])
async def test_for_an_offer_of_fix_now_the_control_host_is_asked_anew(kind: str, sessions: int, tmp_path: Path) -> None:
    built = STATES["healthy"][0]
    dead = {"Name": "dead", "Guid": "", "SmartHosts": ["dead.lab.test"], "ConnectorType": kind}
    asked_world = World("", built.dns, built.mail, (dead,))
    async with Lab(asked_world, tmp_path) as lab, open_services(settings_for(lab, control_host=CONTROL)) as services:
        for _ in range(2):
            reply = await run(Request(("check", "dead"), OWNER), services, lambda _: None)
            assert reply.exit_code == 1
        assert len(lab.mail["127.0.31.1"].sessions) == sessions

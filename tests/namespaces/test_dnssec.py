"""A real validating resolver, and zones whose signatures are good, out of date, or not those that the parent vouches for."""

from pathlib import Path

import pytest

from tests.namespaces.network import HERE, HOST, Network
from tests.namespaces.zones import DAY, Zone, unbound

pytestmark = pytest.mark.needs("namespaces", "ip", "unbound")

MAIL = f"mail 60 IN A {HOST}"


def zones() -> list[Zone]:
    """The parent, trusted; and children that differ in one thing each."""
    good = Zone("good.test", MAIL)
    expired = Zone("expired.test", MAIL, signed=(-60 * DAY, -2 * DAY))
    early = Zone("early.test", MAIL, signed=(2 * DAY, 30 * DAY))
    rolled = Zone("rolled.test", MAIL)  # has a new key; the parent still vouches for another
    stripped = Zone("stripped.test", MAIL, signed=None)  # moved to a DNS host that does not sign; the DS has stayed
    unsigned = Zone("unsigned.test", MAIL, signed=None)  # never signed, and the parent says so
    children = [good, expired, early, rolled, stripped, unsigned]
    vouched = [
        (good, good.ds),
        (expired, expired.ds),
        (early, early.ds),
        (rolled, Zone("rolled.test", "").ds),
        (stripped, stripped.ds),
    ]
    records = "\n".join(
        [f"{z.name}. 60 IN NS ns.{z.name}.\nns.{z.name}. 60 IN A 127.0.0.1" for z in children]
        + [f"{z.name}. 60 IN DS {ds.to_text()}" for z, ds in vouched]
    )
    return [Zone("test", records), *children]


@pytest.mark.parametrize("explains", [True, False], ids=["explained", "bare"])
def test_bogus_is_told_from_healthy(explains: bool, tmp_path: Path) -> None:
    """With Extended DNS Errors and without: then by asking once more with checking disabled."""
    every = zones()
    daemon = {"argv": ["unbound", "-d", "-c", str(unbound(tmp_path, every, explains=explains))], "ready": ["127.0.0.1", 53]}
    network = Network(tmp_path, before=HERE, daemons=[daemon], world={"mail": {HOST: {}}})
    names = [f"mail.{zone.name}" for zone in every[1:]]
    seen = network.run(["--dns", "127.0.0.1", *names], timeout="3")
    verdicts = {r["target"]: (r["verdict"], r["code"], r["reason"]) for r in seen.answer.results}
    bogus, healthy = ("failing", "450 4.4.312", "dns-dnssec-bogus"), ("healthy", None, None)
    assert verdicts == {
        "mail.good.test": healthy,
        "mail.expired.test": bogus,
        "mail.early.test": bogus,
        "mail.rolled.test": bogus,
        "mail.stripped.test": bogus,
        "mail.unsigned.test": healthy,
    }


def test_an_absent_name_in_a_signed_zone_does_not_exist(tmp_path: Path) -> None:
    """A denial that is proved is no failure."""
    daemon = {"argv": ["unbound", "-d", "-c", str(unbound(tmp_path, zones(), explains=True))], "ready": ["127.0.0.1", 53]}
    network = Network(tmp_path, before=HERE, daemons=[daemon], world={"mail": {HOST: {}}})
    answer = network.run(["--dns", "127.0.0.1", "gone.good.test"], timeout="3").answer
    assert answer.verdict == ("failing", "450 4.4.312", "dns-nxdomain")

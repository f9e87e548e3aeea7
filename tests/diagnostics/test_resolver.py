"""DNS questions, their answers, and the order in which Exchange Online would try what they name (contract 3 and 4)."""

import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.lab import parse
from bot.demo.lab.answers import MISBEHAVIOURS
from bot.demo.lab.nameserver import NameServer
from diagnostics.catalogue.phrases import MISSING
from diagnostics.findings import Clue, Reason, Warn
from diagnostics.probes import dns
from diagnostics.probes import exchanges as exchanging
from diagnostics.probes.exchanges import Exchanges, exchanges
from diagnostics.probes.resolver import Answer, Resolver, Status
from diagnostics.target import Delivery, Destination
from tests.diagnostics.making import CATALOGUE

WORLD = {
    "good.test": ["A 127.0.0.2", "A 127.0.0.10", "AAAA ::2", "AAAA ::1"],
    "v4.test": ["A 127.0.0.3"],
    "text.test": ["TXT hello"],
    "alias.test": ["CNAME v4.test"],
    "dangling.test": ["CNAME nowhere.test"],
    "ordered.test": ["MX 20 v4.test", "MX 10 good.test", "MX 10 a.test", "MX 10 GOOD.test"],
    "a.test": ["A 127.0.0.1", "AAAA ::3"],
    "null.test": ["MX 0 ."],
    "microsoft.test": ["MX 0 contoso-com.mail.protection.outlook.com", "MX 10 contoso-com.a-v1.mx.microsoft"],
    "mixed.test": ["MX 0 contoso-com.mail.protection.outlook.com", "MX 10 v4.test"],
    "deadmx.test": ["MX 10 nowhere.test", "MX 20 text.test"],
    "aliasmx.test": ["MX 10 alias.test"],
    "aaaafails.test": {"A": ["127.0.0.4"], "AAAA": "servfail"},
    "afails.test": {"AAAA": ["::4"], "A": "servfail"},
    "mxfails.test": {"A": ["127.0.0.4"], "MX": "servfail"},
    "badmx.test": ["MX 0 a\\032b.test", "MX 10 v4.test"],
    "late.test": "slow",
    "nullbeside.test": ["MX 0 .", "MX 10 v4.test"],
    "twonull.test": ["MX 0 .", "MX 10 ."],
    "numbers.test": ["MX 10 127.0.0.3", "MX 20 [127.0.0.3]", "MX 30 2001:db8::1", "MX 40 127.0.0.3.numbers.test"],
    "number.sub.test": ["MX 10 127.0.0.3.sub.test"],
    "localmx.test": ["MX 10 localhost", "MX 20 mail.localhost"],
    "localhost": ["A 127.0.0.1"],
    "twice.test": ["MX 10 mail.twice.test.twice.test", "MX 20 twice.test.twice.test"],
    "above.sub.twice.test": ["MX 10 mail.twice.test.twice.test"],
    "elsewhere.test": ["MX 10 good.test.elsewhere.test", "MX 20 gone.elsewhere.test", "MX 30 x.gone.elsewhere.test"],
    "cnamedot.test": ["CNAME good.test.cnamedot.test"],
    "typed.test": {"A": ["127.0.0.3"], "MX": "nxdomain"},
    "typed6.test": {"AAAA": ["::3"], "MX": "nxdomain"},
    "noaaaa.test": {"A": ["127.0.0.3"], "AAAA": "nxdomain"},
    ("l" * 60 + ".") * 4 + "test": ["A 127.0.0.5"],
    "longmx.test": [f"MX 10 {('l' * 60 + '.') * 4}test"],
    **{f"{name}.bad.test": name for name in MISBEHAVIOURS},
}


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    server = NameServer(parse({"dns": WORLD}))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def resolver(server: NameServer) -> AsyncIterator[Resolver]:
    resolver = Resolver([("127.0.0.1", server.port)], 5)
    yield resolver
    await resolver.close()


@pytest.fixture
async def hasty(server: NameServer) -> AsyncIterator[Resolver]:
    resolver = Resolver([("127.0.0.1", server.port)], 0.4)
    yield resolver
    await resolver.close()


STATUSES = {
    "nxdomain.bad.test": Status.NXDOMAIN,
    "nowhere.test": Status.NXDOMAIN,
    "dangling.test": Status.NXDOMAIN,
    "nodata.bad.test": Status.NO_DATA,
    "text.test": Status.NO_DATA,
    "v4.test": Status.OK,
    "alias.test": Status.OK,
    "twice.bad.test": Status.OK,
    "truncated.bad.test": Status.OK,
    "many-a.bad.test": Status.OK,
    "servfail.bad.test": Status.FAILURE,
    "refused.bad.test": Status.FAILURE,
    "formerr.bad.test": Status.FAILURE,
    "notimp.bad.test": Status.FAILURE,
    "cname-loop.bad.test": Status.FAILURE,
    "cname-loop-2.bad.test": Status.FAILURE,
    "cname-chain.bad.test": Status.FAILURE,
    "garbage.bad.test": Status.FAILURE,
    "pointer-loop.bad.test": Status.FAILURE,
    "tcp-closed.bad.test": Status.FAILURE,
    "ede-network.bad.test": Status.FAILURE,
    "ede-says-refused.bad.test": Status.FAILURE,
    "ede-says-cname.bad.test": Status.FAILURE,
    "silent-to-edns.bad.test": Status.OK,
    "bogus-dnssec.bad.test": Status.BOGUS,
    "ede-dnssec.bad.test": Status.BOGUS,
    "ede-expired.bad.test": Status.BOGUS,
    "silent.bad.test": Status.TIMEOUT,
    "wrong-id.bad.test": Status.TIMEOUT,
    "wrong-question.bad.test": Status.TIMEOUT,
    "wrong-source.bad.test": Status.TIMEOUT,
    "tcp-silent.bad.test": Status.TIMEOUT,
    "tcp-drip.bad.test": Status.TIMEOUT,
}


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
async def test_each_way_of_answering_is_told_apart_in_time(
    resolver: Resolver, hasty: Resolver, name: str, status: Status
) -> None:
    started = time.monotonic()
    answer = await (hasty if status is Status.TIMEOUT else resolver).ask(name, "A")
    assert answer.status is status
    assert bool(answer.records) is (status is Status.OK)
    assert answer.status is Status.OK or all(value.isprintable() for value in answer.facts.values())
    assert time.monotonic() - started < 2.0


async def test_an_answer_that_comes_within_the_timeout_counts(server: NameServer) -> None:
    patient = Resolver([("127.0.0.1", server.port)], 1.9)
    try:
        assert (await patient.ask("late.test", "A")).status is Status.OK
    finally:
        await patient.close()


async def test_a_silent_resolver_is_named_and_the_next_one_asked(server: NameServer) -> None:
    resolver = Resolver([("127.0.0.1", 1), ("127.0.0.1", server.port)], 2.0)
    try:
        assert (await resolver.ask("v4.test", "A")).status is Status.OK
    finally:
        await resolver.close()
    dead = Resolver([("127.0.0.1", 1)], 0.3)
    try:
        answer = await dead.ask("v4.test", "A")
        assert answer.status is Status.TIMEOUT
        assert answer.facts["servers"].startswith("127.0.0.1#1 (")
    finally:
        await dead.close()


@pytest.mark.parametrize(
    "name", ["x" * 64 + ".test", ".".join(["x" * 60] * 5), "_25._tcp." + ("l" * 60 + ".") * 4 + "test", "a..b"]
)
async def test_a_name_that_fits_into_no_question_is_a_failure_not_an_exception(resolver: Resolver, name: str) -> None:
    assert (await resolver.ask(name, "A")).status is Status.FAILURE


async def test_equal_questions_of_a_run_are_asked_once(server: NameServer, resolver: Resolver) -> None:
    lookup = dns.Lookups(resolver.ask)
    for _ in range(3):
        await lookup("v4.test", "A")
    assert server.queries["v4.test", "A"] == 1


# --- one destination: addresses in order, or why there are none ---


async def resolved(resolver: Resolver, name: str, delivery: Delivery = "smart-host") -> list[str]:
    found = (await dns.resolve(Destination(name, delivery), dns.Lookups(resolver.ask))).endpoints
    shown = []
    for e in found:
        reason = next((str(f.tag) for f in e.findings if isinstance(f.tag, Reason)), "")
        shown.append(" ".join(str(part) for part in (e.preference, e.host, e.address, reason) if part not in (None, "")))
    return shown


@pytest.mark.parametrize("delivery", ["smart-host", "mx", "host"])
async def test_paths_come_by_preference_then_family_then_name_then_address(resolver: Resolver, delivery: Delivery) -> None:
    assert await resolved(resolver, "ordered.test", delivery) == [
        "10 a.test ::3",
        "10 good.test ::1",
        "10 good.test ::2",
        "10 a.test 127.0.0.1",
        "10 good.test 127.0.0.2",
        "10 good.test 127.0.0.10",
        "20 v4.test 127.0.0.3",
    ]


async def test_without_an_mx_the_names_own_addresses_count(resolver: Resolver) -> None:
    assert await resolved(resolver, "good.test") == [
        "good.test ::1",
        "good.test ::2",
        "good.test 127.0.0.2",
        "good.test 127.0.0.10",
    ]


@pytest.mark.parametrize(
    ("name", "delivery", "paths"),
    [
        ("nowhere.test", "smart-host", ["nowhere.test dns-nxdomain"]),
        ("nowhere.test", "host", ["nowhere.test dns-nxdomain"]),
        ("nowhere.test", "mx", ["nowhere.test domain-nxdomain"]),
        ("text.test", "smart-host", ["text.test dns-no-records"]),
        ("text.test", "mx", ["text.test dns-no-records"]),
        ("null.test", "smart-host", ["null.test dns-null-mx"]),
        ("null.test", "mx", ["null.test dns-null-mx"]),
        ("mxfails.test", "smart-host", ["mxfails.test dns-server-failure"]),
        ("aaaafails.test", "smart-host", ["aaaafails.test 127.0.0.4"]),
        ("afails.test", "smart-host", ["afails.test ::4", "afails.test dns-server-failure"]),
        ("deadmx.test", "smart-host", ["10 nowhere.test dns-no-records", "20 text.test dns-no-records"]),
        ("badmx.test", "smart-host", ["0 a\\032b.test. dns-server-failure", "10 v4.test 127.0.0.3"]),
        ("nullbeside.test", "mx", ["10 v4.test 127.0.0.3"]),
        ("twonull.test", "mx", ["twonull.test dns-null-mx"]),
        ("localmx.test", "mx", ["10 localhost dns-no-records", "20 mail.localhost dns-no-records"]),
        ("typed.test", "smart-host", ["typed.test dns-nxdomain"]),
        ("typed.test", "mx", ["typed.test domain-nxdomain"]),
        ("noaaaa.test", "smart-host", ["noaaaa.test 127.0.0.3"]),
        ("bogus-dnssec.bad.test", "mx", ["bogus-dnssec.bad.test dns-dnssec-bogus"]),
        ("not a name", "smart-host", ["not a name dns-nxdomain"]),
    ],
)
async def test_a_destination_without_addresses_says_why(
    resolver: Resolver, name: str, delivery: Delivery, paths: list[str]
) -> None:
    assert await resolved(resolver, name, delivery) == paths


async def test_no_answer_for_the_mx_is_a_failed_path(hasty: Resolver) -> None:
    assert await resolved(hasty, "silent.bad.test") == ["silent.bad.test dns-timeout"]


async def test_a_policy_record_of_a_long_mx_host_is_no_fault(resolver: Resolver) -> None:
    (path,) = await resolved(resolver, "longmx.test", "mx")
    assert path.endswith("127.0.0.5")


CLUES = {
    "numbers.test": [Clue.MX_IS_ADDRESS] * 4,
    "number.sub.test": [Clue.MX_IS_ADDRESS],
    "localmx.test": [Clue.MX_IS_LOCALHOST] * 2,
    "twice.test": [Clue.FINAL_DOT_MISSING] * 2,
    "above.sub.twice.test": [Clue.FINAL_DOT_MISSING],
    "elsewhere.test": [Clue.FINAL_DOT_MISSING, Clue.MX_WITHOUT_ADDRESS, Clue.MX_WITHOUT_ADDRESS],
    "cnamedot.test": [Clue.FINAL_DOT_MISSING],
    "typed.test": [Clue.NXDOMAIN_BY_TYPE],
    "typed6.test": [Clue.NXDOMAIN_BY_TYPE],
    "badmx.test": [Clue.MX_NOT_A_HOST_NAME],
    "not a name": [Clue.NOT_A_HOST_NAME],
    "deadmx.test": [Clue.MX_WITHOUT_ADDRESS] * 2,
    "nowhere.test": [],
    "dangling.test": [],
    "null.test": [],
    "good.test": [],
    "nullbeside.test": [],
    "servfail.bad.test": [Clue.DNS_SERVER_FAILED],
    "refused.bad.test": [Clue.RESOLVER_REFUSED],
    "garbage.bad.test": [Clue.DNS_ANSWER_UNUSABLE],
    "notimp.bad.test": [Clue.DNS_ANSWER_UNUSABLE],
    "cname-loop.bad.test": [Clue.CNAME_LOOP],
    "ede-network.bad.test": [Clue.DNS_SERVER_FAILED],
    "ede-says-refused.bad.test": [Clue.DNS_SERVER_FAILED],
    "ede-says-cname.bad.test": [Clue.DNS_SERVER_FAILED],
    "ede-dnssec.bad.test": [],
}


@pytest.mark.parametrize(("name", "clues"), CLUES.items())
@pytest.mark.parametrize("delivery", ["smart-host", "mx"])
async def test_each_cause_has_its_own_clue(resolver: Resolver, delivery: Delivery, name: str, clues: list[Clue]) -> None:
    """What a stranger writes into an Extended DNS Error is none."""
    found = await dns.resolve(Destination(name, delivery), dns.Lookups(resolver.ask))
    seen = [f for e in found.endpoints for f in e.findings if isinstance(f.tag, Clue)]
    assert [f.tag for f in seen] == clues
    assert all(CATALOGUE.evidence(f) for f in seen)
    assert MISSING not in "".join(map(CATALOGUE.evidence, seen))


async def test_an_extended_error_is_shown_and_its_code_alone_counts(resolver: Resolver) -> None:
    refused, cname, bogus = [
        await resolver.ask(f"ede-{name}.bad.test", "MX") for name in ("says-refused", "says-cname", "dnssec")
    ]
    assert (refused.status, refused.rcode, refused.loop) == (Status.FAILURE, "SERVFAIL", False)
    assert (cname.status, cname.rcode, cname.loop) == (Status.FAILURE, "SERVFAIL", False)
    assert bogus.status is Status.BOGUS
    assert "rcode=REFUSED" in refused.facts["note"]


async def test_a_server_that_drops_edns_is_asked_without_and_remembered(server: NameServer, resolver: Resolver) -> None:
    started = time.monotonic()
    assert (await resolver.ask("silent-to-edns.bad.test", "A")).status is Status.OK
    assert server.queries["silent-to-edns.bad.test", "A"] == 2
    assert (await resolver.ask("silent-to-edns.bad.test", "AAAA")).status is Status.OK
    assert server.queries["silent-to-edns.bad.test", "AAAA"] == 1
    assert time.monotonic() - started < 4.0


async def test_a_server_that_answers_edns_is_never_asked_without(server: NameServer, resolver: Resolver) -> None:
    """Where the first answer is late, only."""
    assert (await resolver.ask("late.test", "A")).status is Status.OK
    assert not resolver._plain
    assert (await resolver.ask("v4.test", "A")).status is Status.OK
    assert server.queries["v4.test", "A"] == 1


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("aaaafails.test", Warn.DNS_AAAA_BROKEN),
        ("aliasmx.test", Warn.MX_IS_CNAME),
        ("many-a.bad.test", Warn.DNS_TOO_MANY),
        ("noaaaa.test", Warn.DNS_AAAA_BROKEN),
        ("nullbeside.test", Warn.NULL_MX_IGNORED),
    ],
)
async def test_what_does_not_stop_mail_is_a_warning(resolver: Resolver, name: str, warning: Warn) -> None:
    found = await dns.resolve(Destination(name, "smart-host"), dns.Lookups(resolver.ask))
    assert warning in {f.tag for e in found.endpoints for f in (*found.notes, *e.findings)}
    assert all(e.address for e in found.endpoints)


async def test_work_is_bounded_however_much_a_zone_names(resolver: Resolver) -> None:
    addresses = await dns.resolve(Destination("many-a.bad.test", "smart-host"), dns.Lookups(resolver.ask))
    hosts = await dns.resolve(Destination("many-mx.bad.test", "smart-host"), dns.Lookups(resolver.ask))
    assert len([e for e in addresses.endpoints if e.address and e.address.version == 4]) == dns.MAX_ADDRESSES
    assert addresses.left_out == 4000 - dns.MAX_ADDRESSES
    assert len({e.host for e in hosts.endpoints}) == dns.MAX_MX
    assert hosts.left_out == 2000 - dns.MAX_MX
    assert len(addresses.names), len(hosts.names) <= dns.NAMED


async def test_work_is_bounded_however_many_mx_hosts_are_no_host_names() -> None:
    async def lookup(name: str, kind: str) -> Answer:
        bad = tuple(f"{number} a\\032{number}.test." for number in range(3000))
        records = {"MX": (*bad, "5 good.test."), "A": ("127.0.0.2",), "AAAA": ("::2",)}
        return Answer(Status.OK, records[kind])

    found = (await dns.resolve(Destination("many.test", "smart-host"), lookup)).endpoints
    assert len([e for e in found if e.address is None]) == dns.MAX_MX - 1
    assert {e.host for e in found if e.address} == {"good.test"}


def test_a_mail_host_that_is_named_thousands_of_times_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    fault = exchanging._fault

    def counted(domain: str, name: str, preference: int) -> dns.Endpoint | None:
        judged.append(name)
        return fault(domain, name, preference)

    monkeypatch.setattr(exchanging, "_fault", counted)
    deep = ".".join("a" * 100) + "."
    found = exchanging.exchanges(
        "many.test", Answer(Status.OK, tuple(f"{n} {deep if n % 2 else deep.upper()}" for n in range(3900)))
    )
    assert found.hosts == ((0, deep.removesuffix(".")),)
    assert len(judged) == 1


@given(st.lists(st.tuples(st.sampled_from([0, 5, 10]), st.sampled_from(["a.test", "b.test", "B.TEST"])), min_size=1, max_size=8))
def test_duplicate_mx_hosts_keep_their_best_preference(rows: list[tuple[int, str]]) -> None:
    found = exchanges("test", Answer(Status.OK, tuple(f"{p} {h}." for p, h in rows)))
    best = {h.lower(): min(p for p, other in rows if other.lower() == h.lower()) for _, h in rows}
    assert found == Exchanges(tuple(sorted((p, h) for h, p in best.items())))

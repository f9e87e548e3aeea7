"""Worlds are read strictly: a mistake in a scenario must not look like a fault of the product."""

import json
import tomllib
from pathlib import Path

import pytest

from bot.demo.lab import Lab, WorldError, load, parse
from bot.demo.lab.world import Answer, Record

DEMO = Path(__file__).parents[2] / "bot/demo/lab/demo.toml"

WRONG = {
    "dsn = {}": "world: unknown key 'dsn'; known are title, dns, mail, connectors, accepted_domains, check, expect",
    '[dns]\n"a.test" = 5': 'dns."a.test": records, a misbehaviour or a table of them is wanted, not 5',
    '[dns]\n"a.test" = ["127.0.0.1"]': 'dns."a.test": a record is a type and data, as "A 127.0.0.1", not \'127.0.0.1\'',
    '[dns]\n"a.test" = {A = ["1.2.3"]}': "dns.\"a.test\".A: 'A 1.2.3' is no record: Text input is malformed.",
    '[mail."mx1.test"]': 'mail."mx1.test": an address is wanted',
    '[mail."127.0.0.1"]\nbehavior = "x"': "mail.\"127.0.0.1\": unknown key 'behavior'; known are ",
    '[mail."127.0.0.1"]\ncertificate = "best"': "mail.\"127.0.0.1\".certificate: no recipe 'best'; known are good, ",
    '[mail."127.0.0.1"]\ncertificate = {name = "x"}': "mail.\"127.0.0.1\".certificate: unknown key 'name'; known are recipe,",
    '[mail."127.0.0.1"]\ncertificate = {key = "dsa"}': "mail.\"127.0.0.1\".certificate: key 'dsa' is none of ec, p521",
    '[mail."127.0.0.1"]\ndelay = "2"': "mail.\"127.0.0.1\".delay: '2' is not of the right kind",
    '[[connectors]]\nSmartHosts = ["a.test"]': "connectors: a Name is wanted in {'SmartHosts': ['a.test']}",
    "[[accepted_domains]]": "accepted_domains: a DomainName is wanted in {}",
}

CANNOT_RUN = {
    '[mail."127.0.0.1"]\nbehaviour = "banner-42"': "mail.\"127.0.0.1\": behaviour 'banner-42' is not known; near are banner-421",
    '[dns]\n"a.test" = "nxdoman"': "dns.\"a.test\": misbehaviour 'nxdoman' is not known; near are nxdomain",
    '[mail."192.0.2.1"]': 'mail."192.0.2.1": only loopback addresses may listen',
    '[dns]\n"a.test" = ["A 8.8.8.8"]': "dns: 8.8.8.8 is an address of the real world",
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.items())
def test_a_mistake_is_named_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(WorldError) as caught:
        parse(tomllib.loads(text))
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(("text", "sentence"), CANNOT_RUN.items())
def test_a_world_that_cannot_be_run_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(WorldError) as caught:
        Lab(parse(tomllib.loads(text)), tmp_path)
    assert str(caught.value).startswith(sentence)


def test_a_file_is_named_too(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[dns\n")
    with pytest.raises(WorldError, match=r"^bad\.toml: "):
        load(tmp_path / "bad.toml")


def test_forms_of_an_answer() -> None:
    world = parse(
        {
            "dns": {
                "Plain.test": ["A 127.0.0.2", "0 A 127.0.0.3", "MX 10 mx1.lab.test"],
                "table.test": {"A": ["127.0.0.2"], "AAAA": "servfail"},
                "spoilt.test": {"behaviour": "bogus-dnssec", "A": ["127.0.0.2"]},
                "word.test": "silent",
                "series.test": [["A 127.0.0.2"], "servfail", {"A": ["127.0.0.3"]}],
            }
        }
    )
    two = Record("A", "127.0.0.2")
    default = (Record("A", "127.0.0.1"), Record("AAAA", "::1"))
    assert world.dns["plain.test"] == (Answer((two, Record("A", "127.0.0.3", 0), Record("MX", "10 mx1.lab.test"))),)
    assert world.dns["table.test"] == (Answer((two,), {"AAAA": "servfail"}),)
    assert world.dns["spoilt.test"] == (Answer((two,), {"*": "bogus-dnssec"}),)
    assert world.dns["word.test"] == (Answer(default, {"*": "silent"}),)
    assert world.dns["series.test"] == (
        Answer((two,)),
        Answer(default, {"*": "servfail"}),
        Answer((Record("A", "127.0.0.3"),)),
    )


async def test_files_have_the_shape_of_an_export(tmp_path: Path) -> None:
    rows = {"connectors": [{"Name": "One"}], "accepted_domains": [{"DomainName": "a.test"}, {"DomainName": "b.test"}]}
    async with Lab(parse(rows), tmp_path) as lab:
        one = json.loads(lab.connectors_file.read_text())
        assert lab.accepted_domains_file
        two = json.loads(lab.accepted_domains_file.read_text())
    assert one["Identity"] == "One"
    assert one["TlsSettings"] is None
    assert one["ConnectorType"] == "OnPremises"
    assert [row["DomainType"] for row in two] == ["Authoritative", "Authoritative"]
    assert json.loads(json.dumps(parse(rows).connectors[0])) == one, "a world gives the same Guids every time"


async def test_the_demo_world_runs(tmp_path: Path) -> None:
    async with Lab(load(DEMO), tmp_path) as lab:
        names = [row["Name"] for row in json.loads(lab.connectors_file.read_text())]
    assert [row["target"] for row in lab.expect] == names
    codes = {row.get("code") for row in lab.expect} - {None}
    assert len(codes) == 6

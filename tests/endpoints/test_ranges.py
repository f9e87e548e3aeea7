"""Microsoft's addresses: what is shipped, and which entries of the service's list are for mail."""

from typing import Any

import pytest

from diagnostics.catalogue import load
from diagnostics.endpoints import SHIPPED, EndpointsFault, Ranges, select
from diagnostics.findings import Reason
from tests.endpoints.factories import MAIL, WEB


def test_shipped() -> None:
    assert SHIPPED.version == "2026081400"
    assert SHIPPED.networks == (
        *("40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17"),
        *("2a01:111:f400::/48", "2a01:111:f403::/48"),
    )


@pytest.mark.parametrize(
    ("entries", "networks"),
    [
        ([MAIL], ("40.92.0.0/15", "2a01:111:f400::/48")),
        ([WEB, MAIL], ("40.92.0.0/15", "2a01:111:f400::/48")),
        ([MAIL | {"id": 77}], ("40.92.0.0/15", "2a01:111:f400::/48")),
        ([MAIL | {"tcpPorts": "25, 587"}], ("40.92.0.0/15", "2a01:111:f400::/48")),
        ([MAIL, MAIL | {"ips": ["104.47.0.0/17", "40.92.0.0/15"]}], ("40.92.0.0/15", "2a01:111:f400::/48", "104.47.0.0/17")),
        ([None, 7, {}, {"urls": []}, MAIL | {"ips": None}, MAIL], ("40.92.0.0/15", "2a01:111:f400::/48")),
    ],
)
def test_by_port_and_name_and_not_by_id(entries: list[Any], networks: tuple[str, ...]) -> None:
    assert select(entries, "2026112400") == Ranges("2026112400", networks)


@pytest.mark.parametrize(
    "entries",
    [
        *([], {}, None, "x", [WEB], [MAIL | {"tcpPorts": "2525"}], [MAIL | {"urls": ["*.example.com"]}], [MAIL | {"ips": []}]),
        *([MAIL | {"ips": [ip]}] for ip in ("0.0.0.0/0", "::/0", "8.0.0.0/7", "10.0.0.0/16", "127.0.0.1", "fe80::/64", "x", 7)),
        [MAIL | {"ips": [f"40.{n}.0.0/16" for n in range(101)]}],
    ],
)
def test_what_cannot_be_microsofts_is_not_believed(entries: Any) -> None:
    with pytest.raises(EndpointsFault):
        select(entries, "2026112400")


@pytest.mark.parametrize("version", ["", "latest", "2026", "2026081400\n", "1999010100"])
def test_a_version_that_is_none(version: str) -> None:
    with pytest.raises(EndpointsFault):
        select([MAIL], version)


def test_advice_names_the_ranges_that_are_known() -> None:
    newer = Ranges("2026112400", ("203.0.113.0/24",))
    for known in (SHIPPED, newer):
        texts = [fix.text for reason in (Reason.TCP_REFUSED, Reason.TCP_TIMEOUT) for fix in load(known)[reason].fixes]
        advice = [text for text in texts if "version" in text]
        assert len(advice) == 2
        assert all(known.version in text and all(network in text for network in known.networks) for text in advice)
        assert "{ranges" not in load(known).model_dump_json(exclude={"phrases", "summaries", "fixing", "unread", "enforcement"})

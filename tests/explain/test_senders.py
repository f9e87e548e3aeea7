"""Every entry of the catalogue for each sender: no word of the wrong side, no Microsoft clock, no Fix now for another's mail."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from diagnostics import codes
from diagnostics.explain import ExplainedError
from diagnostics.findings import UNTESTED, Reason
from diagnostics.parse import Reported
from tests.diagnostics.making import CATALOGUE
from tests.explain.making import NOW, WORDS, explained, reported

TENANT = re.compile(
    r"outbound ?connector|\bthe connector\b|accepted domain|Authoritative|Internal Relay|Set-AcceptedDomain|"
    r"from Microsoft 365|of Microsoft 365:|40\.92\.|If Microsoft 365 sent|mailflow (?:explain|check)"
)
"""What only the tenant's own sending is about."""

ELSEWHERE = re.compile(r"send connector|sending server|Test-NetConnection|outbound TCP|Get-TransportService|your provider")
"""What only a server outside of Microsoft 365 has."""

REASONS = [reason for reason in Reason if reason not in UNTESTED and CATALOGUE[reason].code]
SERVER = "mail.fabrikam.example"


def every(sender: str, *, to_microsoft: bool = False) -> Iterator[Reported]:
    """An error of every row of the table, of every reason, of every kind and of every subject."""
    fields = {"sender": sender, "to_microsoft": to_microsoft, "server": SERVER, "time": NOW}
    for row in codes.rows():
        code = row.name.partition(" ")[0]
        state = "queued" if code[0] == "4" else "rejected"
        yield reported(f"{code[0]}50 {code}", row.reason, text=WORDS.get(row.name, ""), state=state, **fields)
    yield from (reported("451 4.4.0", reason, **fields) for reason in REASONS)
    yield from (reported(f"{class_}50 {class_}.{subject}.99", None, **fields) for class_ in "45" for subject in range(8))


def said(error: ExplainedError) -> str:
    """All that a person reads, without the words of the text itself."""
    return "\n".join((error.title, error.summary, *(c.text for c in error.causes), *(f.text for f in error.fixes)))


@pytest.mark.parametrize("to_microsoft", [False, True])
def test_nothing_in_the_tenant_is_changed_for_the_mail_of_another_server(to_microsoft: bool) -> None:
    for error in every("other", to_microsoft=to_microsoft):
        told = explained(error)
        row = codes.row(error.enhanced, error.text)
        if row is not None and row.writer == "outbound" and not error.reason:
            continue  # no other server writes it
        assert not TENANT.search(said(told)), (error.code, error.reason, said(told))
        assert not told.fix_now.offered
        assert told.clock.next_retry is None, error.code
        assert told.clock.expires is None, error.code
        assert told.fixes, (error.code, error.reason)


def test_exchange_online_has_no_send_connector_and_no_port_of_its_own_to_open() -> None:
    for error in every("exchange-online"):
        row = codes.row(error.enhanced, error.text)
        if row is not None and row.writer in ("inbound", "on-premises"):
            continue
        told = explained(error)
        ours = [fix for fix in told.fixes if fix.owner in ("you", "network") and ELSEWHERE.search(fix.text)]
        of_kinds = {fix.id for kind in CATALOGUE.kinds.values() for fix in kind.fixes} | {"check-routing", "read-dialogue"}
        assert not [fix for fix in ours if fix.id not in of_kinds and row is None], (error.code, error.reason, ours)


def test_where_the_sender_is_not_known_steps_in_the_tenant_say_what_they_presume() -> None:
    for error in every("unknown"):
        for fix in explained(error).fixes:
            if TENANT.search(fix.text) and fix.id not in ("contact-partner",):
                assert fix.text.startswith("If Microsoft 365 sent this: "), (error.code, fix.text)


def test_every_cause_and_step_says_for_whom_it_holds() -> None:
    entries: list[Any] = [*CATALOGUE.entries.values(), *CATALOGUE.codes.values(), *CATALOGUE.kinds.values()]
    ways = [way for both in CATALOGUE.elsewhere.values() for way in (both.to_microsoft, both.to_others)]
    for entry in (*entries, *ways):
        assert all(row.senders for row in (*entry.causes, *entry.fixes))


@pytest.mark.parametrize("sender", ["exchange-online", "other", "unknown"])
def test_the_class_is_not_contradicted(sender: str) -> None:
    """No class-5 answer says that it is tried again; no class-4 answer says that it was refused for good."""
    for error in every(sender):
        told = said(explained(error)).lower()
        if error.state == "rejected":
            assert "tries again by itself" not in told, error.code
            assert "tried again by itself" not in told, error.code
        else:
            assert "isn't tried again" not in told, error.code
            assert "was returned" not in told, error.code

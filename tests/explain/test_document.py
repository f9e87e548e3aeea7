"""The document of `explain --json`: contract 5, key by key."""

import json
from datetime import UTC, datetime
from typing import Any

from diagnostics.explain import Beside, Live
from diagnostics.findings import Reason, Unread
from diagnostics.parse.report import Note
from tests.diagnostics.making import connector
from tests.explain.making import NOW, document, report, reported, seen

PROMISED = {
    *("code", "enhanced", "family", "state", "title", "reason", "message", "server", "ip", "domain", "chain", "time"),
    *("reported_by", "connector", "count", "first", "last", "clock", "live", "causes", "fixes", "fix_now"),
}


def written(of: Any) -> Any:
    return json.loads(of.model_dump_json())


def test_the_whole_of_it() -> None:
    error = reported(
        message="Socket error code 10061",
        server="mail.contoso.com",
        ip="192.0.2.1",
        chain=("451 4.4.397 Error", "421 4.4.2 Dropped"),
        time=datetime(2026, 11, 24, 9, 55, 1, 250_000, tzinfo=UTC),
        reported_by="x.prod.outlook.com",
        connector="Contoso",
        count=3,
    )
    told = written(document(report(error, notes=(Note(Unread.TEXT_CUT),))))
    assert list(told)[:3] == ["schema", "primary", "errors"]
    assert (told["schema"], told["primary"], len(told["errors"])) == ("mailflow/explain/1", 0, 1)
    (one,) = told["errors"]
    assert set(one) >= PROMISED
    assert (one["code"], one["enhanced"], one["family"], one["state"]) == ("450 4.4.316", "4.4.316", "4.4.316", "queued")
    assert (one["title"], one["reason"]) == ("Connection refused", "tcp-refused")
    assert (one["server"], one["ip"], one["domain"]) == ("mail.contoso.com", "192.0.2.1", None)
    assert one["chain"] == ["451 4.4.397 Error", "421 4.4.2 Dropped"]
    assert (one["time"], one["count"], one["first"]) == ("2026-11-24T09:55:01Z", 3, None)
    assert one["clock"] == {
        "last_retry": "2026-11-24T09:55:01Z",
        "next_retry": ["2026-11-24T10:10:01Z", "2026-11-24T10:55:01Z"],
        "expires": "2026-11-25T09:55:01Z",
    }
    assert one["live"] is None
    assert all(set(cause) == {"id", "text", "likelihood", "evidence"} for cause in one["causes"])
    assert all(set(fix) == {"id", "text", "owner", "url"} for fix in one["fixes"])
    assert set(one["fix_now"]) == {"offered", "why", "basis"}
    assert told["notes"] == ["Only the first 256 KiB of the text were read."]


def test_a_text_without_a_code() -> None:
    assert written(document(report())) == {
        "schema": "mailflow/explain/1",
        "primary": None,
        "errors": [],
        "alert": None,
        "notes": [],
    }


def test_a_live_result_is_a_result_of_check() -> None:
    live = seen(Reason.TCP_REFUSED, failed="tcp", connector=connector("Contoso"))
    told = written(document(report(reported()), {0: Beside(None, Live(agreement="same", result=live))}))
    shown = told["errors"][0]["live"]
    assert shown["agreement"] == "same"
    assert shown["result"] == written(live)
    assert told["errors"][0]["fix_now"] == shown["result"]["fix_now"]


def test_what_holds_the_facts_of_the_parser_alone_is_not_shown() -> None:
    assert not {"submessage", "last_retry", "arrival"} & set(written(document(report(reported(last_retry=NOW))))["errors"][0])

"""Things to keep, with everything that a test does not care about filled in."""

from datetime import UTC, datetime, timedelta

from diagnostics.store import Answer, AuditEntry, StoredFix, StoredResult, Watch

NOW = datetime(2026, 11, 24, 10, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def result(id: str = "r-1", word: str = "mail.contoso.com", verdict: str = "failing", at: datetime = NOW) -> StoredResult:
    return StoredResult(id, word, verdict, '{"id": "x"}', "Hello,", "S: 220 mail\nC: EHLO", at)


def answer(id: str = "a-1", started: datetime = NOW) -> Answer:
    return Answer(id, "slack:C1:2", '{"words": ["check"]}', "U1", started)


def watch(id: str = "w-1", word: str = "mail.contoso.com", place: str = "slack:C1:2") -> Watch:
    return Watch(id, word, place, "U1", NOW + DAY, 5 * MINUTE)


GUID = "8f6a3c1e-0b1d-4d5e-9a77-1c2b3d4e5f60"


def fix(id: str = "f-1", guid: str = GUID, state: str = "awaiting-approval", created: datetime = NOW) -> StoredFix:
    return StoredFix(id, guid, state, '{"schema": "mailflow/fix/1"}', created)


def entry(event: str = "planned", fix: str = "f-1", at: datetime = NOW) -> AuditEntry:
    return AuditEntry(fix, at, "U1", event, '{"steps": 2}')

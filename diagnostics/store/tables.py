"""The tables. Whatever is changed here needs a migration, and a test compares the two."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, in UTC. SQLite has no time zones: there it is text without one, which sorts as the times do."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class AnyText(TypeDecorator[str]):
    """Text from outside. PostgreSQL refuses NUL, and UTF-8 has no lone surrogates."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


def storable(text: str) -> str:
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)
    return text


metadata = MetaData()
PREFIX = "mailflow_"  # a PostgreSQL database may be shared with others


def _table(name: str, *parts: Any) -> Table:
    return Table(PREFIX + name, metadata, *parts)


results = _table(
    "results",
    Column("id", AnyText, nullable=False),
    Column("word", AnyText, nullable=False),
    Column("verdict", AnyText, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("document", AnyText),
    Column("partner", AnyText),
    Column("transcript", AnyText, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("id", name="mailflow_results_id"),
    Index("mailflow_results_age", "at", "id"),
    Index("mailflow_results_last", "word", "outcome", "at", "id"),
)

seen = _table(
    "seen",
    Column("kind", AnyText, nullable=False),
    Column("id", AnyText, nullable=False),
    Column("at", Moment, nullable=False),
    PrimaryKeyConstraint("kind", "id", name="mailflow_seen_id"),
    Index("mailflow_seen_age", "at"),
)

answers = _table(
    "answers",
    Column("id", AnyText, nullable=False),
    Column("platform", AnyText, nullable=False),
    Column("place", AnyText, nullable=False),
    Column("request", AnyText, nullable=False),
    Column("actor", AnyText, nullable=False),
    Column("started", Moment, nullable=False),
    Column("finished", Moment),
    Column("attempts", Integer, nullable=False),
    Column("owner", AnyText),  # NULL once it is finished or released
    Column("lease_until", Moment, nullable=False),
    PrimaryKeyConstraint("id", name="mailflow_answers_id"),
    Index("mailflow_answers_age", "started"),
    Index("mailflow_answers_open", "finished", "lease_until"),
    Index("mailflow_answers_owner", "owner"),
)

watches = _table(
    "watches",
    Column("id", AnyText, nullable=False),
    Column("word", AnyText, nullable=False),
    Column("place", AnyText, nullable=False),
    # the digest of word and place while the watch lives, NULL once it has ended: so only live ones must differ
    Column("live", String(64)),
    Column("actor", AnyText, nullable=False),
    Column("until", Moment, nullable=False),
    Column("every", BigInteger, nullable=False),  # seconds
    Column("due", Moment, nullable=False),  # while somebody looks at it: the end of the lease
    Column("last", AnyText, nullable=False),
    Column("ended", Moment),
    Column("told", Boolean),
    Column("owner", AnyText),
    PrimaryKeyConstraint("id", name="mailflow_watches_id"),
    UniqueConstraint("live", name="mailflow_watches_live"),
    Index("mailflow_watches_due", "ended", "due"),
    Index("mailflow_watches_owner", "owner"),
)

fixes = _table(
    "fixes",
    Column("id", AnyText, nullable=False),
    Column("guid", AnyText, nullable=False),  # lower case
    Column("state", AnyText, nullable=False),
    Column("document", AnyText, nullable=False),
    Column("created", Moment, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("owner", AnyText),  # whoever holds it, or held it last
    # the connector's Guid while somebody holds it, else NULL: so two fixes of one connector cannot be held
    Column("busy", AnyText),
    Column("lease_until", Moment),  # NULL when nobody holds it
    PrimaryKeyConstraint("id", name="mailflow_fixes_id"),
    UniqueConstraint("busy", name="mailflow_fixes_busy"),
    Index("mailflow_fixes_age", "created", "id"),
)

audit = _table(  # triggers, made by the migration, let nobody change or delete a line
    "audit",
    Column("number", BigInteger().with_variant(Integer, "sqlite"), Identity(always=True), nullable=False),
    Column("fix", AnyText, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", AnyText, nullable=False),
    Column("event", AnyText, nullable=False),
    Column("detail", AnyText, nullable=False),
    Column("digest", String(64), nullable=False),  # of all the others: a line that is said again is the same line
    PrimaryKeyConstraint("number", name="mailflow_audit_number"),
    UniqueConstraint("digest", name="mailflow_audit_digest"),
    Index("mailflow_audit_fix", "fix", "number"),
)

reports = _table(
    "reports",
    Column("guid", AnyText, nullable=False),  # lower case
    Column("at", Moment, nullable=False),
    Column("actor", AnyText, nullable=False),
    Column("line", AnyText, nullable=False),
    PrimaryKeyConstraint("guid", name="mailflow_reports_guid"),
    Index("mailflow_reports_age", "at"),
)

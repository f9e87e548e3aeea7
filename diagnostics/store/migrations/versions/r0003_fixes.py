"""The ledger of fixes, and an audit that takes new lines alone."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Moment = sa.DateTime(timezone=True)

REFUSED = "mailflow_audit keeps what is in it"

SQLITE = (
    f"CREATE TRIGGER mailflow_audit_update BEFORE UPDATE ON mailflow_audit BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
    f"CREATE TRIGGER mailflow_audit_delete BEFORE DELETE ON mailflow_audit BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END",
    # the rows that INSERT OR REPLACE puts out of its way are deleted without a trigger: https://sqlite.org/lang_conflict.html
    """
    CREATE TRIGGER mailflow_audit_replace BEFORE INSERT ON mailflow_audit
    WHEN EXISTS (SELECT 1 FROM mailflow_audit WHERE number = NEW.number OR digest = NEW.digest)
    BEGIN SELECT RAISE(IGNORE); END
    """,
)

POSTGRESQL = (
    f"""
    CREATE FUNCTION mailflow_audit_refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$
    """,
    """
    CREATE TRIGGER mailflow_audit_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON mailflow_audit
    FOR EACH STATEMENT EXECUTE FUNCTION mailflow_audit_refuse()
    """,
)


def upgrade() -> None:
    op.create_table(
        "mailflow_fixes",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("guid", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("created", Moment, nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("busy", sa.Text),
        sa.Column("lease_until", Moment),
        sa.PrimaryKeyConstraint("id", name="mailflow_fixes_id"),
        sa.UniqueConstraint("busy", name="mailflow_fixes_busy"),
    )
    op.create_index("mailflow_fixes_age", "mailflow_fixes", ["created", "id"])
    op.create_table(
        "mailflow_audit",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(always=True), nullable=False),
        sa.Column("fix", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="mailflow_audit_number"),
        sa.UniqueConstraint("digest", name="mailflow_audit_digest"),
    )
    op.create_index("mailflow_audit_fix", "mailflow_audit", ["fix", "number"])
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)

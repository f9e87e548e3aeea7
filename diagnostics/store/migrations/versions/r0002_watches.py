"""Watches."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "mailflow_watches",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("word", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("live", sa.String(64)),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("until", Moment, nullable=False),
        sa.Column("every", sa.BigInteger, nullable=False),
        sa.Column("due", Moment, nullable=False),
        sa.Column("last", sa.Text, nullable=False),
        sa.Column("ended", Moment),
        sa.Column("told", sa.Boolean),
        sa.Column("owner", sa.Text),
        sa.PrimaryKeyConstraint("id", name="mailflow_watches_id"),
        sa.UniqueConstraint("live", name="mailflow_watches_live"),
    )
    op.create_index("mailflow_watches_due", "mailflow_watches", ["ended", "due"])
    op.create_index("mailflow_watches_owner", "mailflow_watches", ["owner"])

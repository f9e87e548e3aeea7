"""Results, ids seen, answers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "mailflow_results",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("word", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(10), nullable=False),
        sa.Column("document", sa.Text),
        sa.Column("partner", sa.Text),
        sa.Column("transcript", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="mailflow_results_id"),
    )
    op.create_index("mailflow_results_age", "mailflow_results", ["at", "id"])
    op.create_index("mailflow_results_last", "mailflow_results", ["word", "outcome", "at", "id"])
    op.create_table(
        "mailflow_seen",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="mailflow_seen_id"),
    )
    op.create_index("mailflow_seen_age", "mailflow_seen", ["at"])
    op.create_table(
        "mailflow_answers",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("started", Moment, nullable=False),
        sa.Column("finished", Moment),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("lease_until", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="mailflow_answers_id"),
    )
    op.create_index("mailflow_answers_age", "mailflow_answers", ["started"])
    op.create_index("mailflow_answers_open", "mailflow_answers", ["finished", "lease_until"])
    op.create_index("mailflow_answers_owner", "mailflow_answers", ["owner"])

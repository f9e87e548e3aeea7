"""Reports of Microsoft's."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "mailflow_reports",
        sa.Column("guid", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("guid", name="mailflow_reports_guid"),
    )
    op.create_index("mailflow_reports_age", "mailflow_reports", ["at"])

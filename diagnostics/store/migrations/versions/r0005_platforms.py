"""Places name their platform, and answers carry it: unfinished ones are for processes of that platform alone."""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_FORMER = "slack"
"""The only platform before this revision: its places were JSON objects without a prefix."""


def upgrade() -> None:
    op.add_column("mailflow_answers", sa.Column("platform", sa.Text, nullable=False, server_default=_FORMER))
    for table in ("answers", "watches"):
        op.execute(f"UPDATE mailflow_{table} SET place = '{_FORMER}:' || place WHERE place LIKE '{{%'")  # noqa: S608 - constants
    connection = op.get_bind()
    watches = sa.table("mailflow_watches", *map(sa.column, ("id", "word", "place", "live")))
    for id, word, place in connection.execute(
        sa.select(watches.c.id, watches.c.word, watches.c.place).where(watches.c.live.is_not(None))
    ).all():
        live = hashlib.sha256(f"{word}\0{place}".encode()).hexdigest()
        connection.execute(sa.update(watches).where(watches.c.id == id).values(live=live))
    answers = sa.table("mailflow_answers", sa.column("id"), sa.column("request"), sa.column("finished"))
    unfinished = connection.execute(sa.select(answers.c.id, answers.c.request).where(answers.c.finished.is_(None))).all()
    for id, request in unfinished:
        if (changed := _request(request)) is not None:
            connection.execute(sa.update(answers).where(answers.c.id == id).values(request=changed))


def _request(request: str) -> str | None:
    """With what was clicked as bot/conversation/question.py reads it now; None where nothing was clicked."""
    try:
        kept: dict[str, Any] = json.loads(request)
        used = kept["used"]
        message = {name: used[name] for name in ("channel", "ts", "text", "blocks")}
        id = f"{message['channel']}-{message['ts']}" if message["ts"] else ""
        kept["used"] = {"message": id, "content": message if id else {}, "form": used["view"]}
    except (ValueError, KeyError, TypeError):
        return None
    return json.dumps(kept)

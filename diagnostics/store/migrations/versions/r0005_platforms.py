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


_ANSWERS = sa.table("mailflow_answers", *map(sa.column, ("id", "place", "request", "finished")))
_WATCHES = sa.table("mailflow_watches", *map(sa.column, ("id", "word", "place", "live")))


def upgrade() -> None:
    op.add_column("mailflow_answers", sa.Column("platform", sa.Text, nullable=False, server_default=_FORMER))
    connection = op.get_bind()
    for table in (_ANSWERS, _WATCHES):
        named = sa.literal(f"{_FORMER}:", sa.Text) + sa.cast(table.c.place, sa.Text)
        connection.execute(sa.update(table).where(table.c.place.like("{%")).values(place=named))
    for row in connection.execute(sa.select(_WATCHES).where(_WATCHES.c.live.is_not(None))).all():
        # equal watches in one place are known by this digest (diagnostics/store/watches.py)
        live = hashlib.sha256(f"{row.word}\0{row.place}".encode()).hexdigest()
        connection.execute(sa.update(_WATCHES).where(_WATCHES.c.id == row.id).values(live=live))
    for row in connection.execute(sa.select(_ANSWERS).where(_ANSWERS.c.finished.is_(None))).all():
        if (request := _request(row.request)) is not None:
            connection.execute(sa.update(_ANSWERS).where(_ANSWERS.c.id == row.id).values(request=request))


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

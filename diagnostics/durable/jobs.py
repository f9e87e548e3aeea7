"""Rows of jobs, by DBOS's client: it needs no engine, and it raises when the database is away, where the engine waits."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dbos import DBOSClient, DBOSPortableJSONSerializer, WorkflowStatus, error
from sqlalchemy import Engine as Connections

from diagnostics.durable import REMEMBERED, Job
from diagnostics.durable.engine import NAME, QUEUE, WORKFLOW, enqueued
from diagnostics.durable.job_turn import Turn, ids

WAITING, DUE, TAKEN = "DELAYED", "ENQUEUED", "PENDING"
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
TURNS_KEPT = timedelta(hours=1)
SLICE = 500


class Jobs:
    """For threads. Raises SQLAlchemy's errors."""

    def __init__(self, connections: Connections, schema: str | None) -> None:
        self._client = DBOSClient(
            system_database_engine=connections,
            dbos_system_schema=schema,
            serializer=DBOSPortableJSONSerializer(),
            application_name=NAME,
            lazy=True,
            retry_connection_errors=False,
            observability_query_timeout_sec=0,  # the connections have a limit of their own
        )

    def start(self, job: Job) -> bool:
        turn = Turn.first(job)
        try:
            self._client.enqueue({**enqueued(turn), "workflow_id_reuse_policy": "reject"}, turn.to_json())
        except error.DBOSWorkflowIDInUseError:
            return False
        return True

    def cancel(self, id: str) -> None:
        # between the two a turn may have been followed by another one
        while live := self._list(status=[WAITING, DUE, TAKEN], workflow_id_prefix=ids(id)):
            self._client.cancel_workflows([row.workflow_id for row in live])

    def followed(self, turn: Turn) -> bool:
        """Whether the turn that follows it is there."""
        return bool(self._list(workflow_ids=[replace(turn, number=turn.number + 1).id]))

    def taken(self) -> list[WorkflowStatus]:
        """Turns that some process has taken, and has not brought to an end."""
        return self._list(status=TAKEN)

    def release(self, turns: Collection[str]) -> None:
        """Let any process take these: to be called only when whoever took them does not work on them."""
        self._client.resume_workflows(list(turns), queue_name=QUEUE)

    def prune(self) -> None:
        """Delete what has ended long ago. A job's first turn stays longest: while it is there, the id is known."""
        for follows, kept in ((True, TURNS_KEPT), (False, REMEMBERED)):
            before = (datetime.now(UTC) - kept).isoformat()
            old = {"status": ENDED, "completed_before": before, "has_parent": follows, "limit": SLICE}
            while page := self._list(**old):
                self._client.delete_workflows([row.workflow_id for row in page])

    def _list(self, **which: Any) -> list[WorkflowStatus]:
        return self._client.list_workflows(name=WORKFLOW, load_input=False, load_output=False, **which)

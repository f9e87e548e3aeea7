"""Who is alive: each process holds a lease under its own name, and one of them another, as the one that adopts."""

from sqlalchemy import BigInteger, Column, Engine, MetaData, PrimaryKeyConstraint, String, Table, delete, inspect, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateSchema

MIGRATION_LOCK = 0x6D61_696C_6A6F_6273  # "mailjobs"


class Leases:
    """For threads. Times are seconds since the epoch, by the callers' clocks. Raises SQLAlchemy's errors."""

    def __init__(self, engine: Engine, schema: str | None) -> None:
        self._engine = engine
        self._dialect = engine.dialect.name
        self._schema = schema
        self._table = Table(
            "mailflow_leases",
            MetaData(schema=schema),
            Column("name", String, nullable=False),
            Column("owner", String, nullable=False),
            Column("until", BigInteger, nullable=False),  # milliseconds
            PrimaryKeyConstraint("name", name="mailflow_leases_name"),
        )

    def create(self) -> None:
        """The table and its schema, if they are not there yet: one process at a time."""
        with self._engine.begin() as connection:
            if self._schema:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
                if not inspect(connection).has_schema(self._schema):  # whoever made it beforehand may have kept the right to
                    connection.execute(CreateSchema(self._schema))
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            self._table.create(connection, checkfirst=True)

    def take(self, name: str, owner: str, *, now: float, until: float) -> bool:
        """Take it or renew it. False while it is somebody else's."""
        c = self._table.c
        insert = (postgresql if self._dialect == "postgresql" else sqlite).insert(self._table)
        new = {"owner": owner, "until": _ms(until)}
        free = or_(c.owner == owner, c.until < _ms(now))
        statement = insert.values(name=name, **new).on_conflict_do_update(index_elements=[c.name], set_=new, where=free)
        with self._engine.begin() as connection:
            return connection.execute(statement.returning(c.name)).first() is not None

    def held(self, *, since: float) -> frozenset[str]:
        """The names whose leases end, or ended, after `since`."""
        c = self._table.c
        with self._engine.begin() as connection:
            return frozenset(connection.execute(select(c.name).where(c.until > _ms(since))).scalars())

    def give_back(self, owner: str) -> None:
        """Whatever the owner holds."""
        with self._engine.begin() as connection:
            connection.execute(delete(self._table).where(self._table.c.owner == owner))

    def forget(self, *, before: float) -> None:
        """What ended long ago."""
        with self._engine.begin() as connection:
            connection.execute(delete(self._table).where(self._table.c.until < _ms(before)))


def _ms(seconds: float) -> int:
    return int(seconds * 1000)

"""The Store, put together."""

from diagnostics.store.answers import Answers
from diagnostics.store.database import Database
from diagnostics.store.fixes import Fixes
from diagnostics.store.reports import Reports
from diagnostics.store.results import Results
from diagnostics.store.retention import Upkeep
from diagnostics.store.watches import Watches


class Records(Results, Answers, Watches, Fixes, Reports, Upkeep):
    """A Store in a database of SQLAlchemy's."""

    def __init__(self, database: Database) -> None:
        self._database = database

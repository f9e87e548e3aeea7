"""Where connectors come from. Two real sides are planned: an exported file, and Exchange Online itself."""

from typing import Protocol

from diagnostics.connectors.model import Inventory


class SourceError(Exception):
    """The connectors cannot be had: one sentence that names the file and place, or the service, and the mend."""


class ConnectorSource(Protocol):
    async def read(self) -> Inventory:
        """The tenant's connectors. Raises SourceError."""
        ...

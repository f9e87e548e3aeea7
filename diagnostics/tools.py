"""What a diagnosis works with: instruments for the probes, the control host, the catalogue."""

import secrets
from dataclasses import dataclass, field

from diagnostics.catalogue import Catalogue, load
from diagnostics.probes.control import ControlHost
from diagnostics.probes.instruments import Instruments


@dataclass(slots=True)
class Tools:
    """One object for a process. `control` None: no control host is asked (MAILFLOW_CONTROL_HOST empty).

    `catalogue` is another one once Microsoft's list of addresses is read anew.
    """

    instruments: Instruments
    control: ControlHost | None = None
    catalogue: Catalogue = field(default_factory=load)

    def new_id(self) -> str:
        return "r-" + secrets.token_hex(8)

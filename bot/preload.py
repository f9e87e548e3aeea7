"""All that an answer may need, loaded before the first question.

An import holds up the whole loop, and an acknowledgement has 3 seconds. Once the process has no file descriptor left, an import
fails, and Python remembers for good that there is no such codec.
"""

import encodings
import gc
import importlib
import pkgutil
from contextlib import suppress

from commands.registry import COMMANDS
from diagnostics.probes.trust import TrustFault
from diagnostics.tools import Tools

_ELSEWHERE = (
    "cryptography.hazmat.primitives.serialization",  # keys of certificates
    "diagnostics.explain.agreement",
    "diagnostics.explain.destinations",
    "diagnostics.explain.vantages",
    "html",
    "idna.uts46data",
    "linecache",
    "tempfile",
    "traceback",
)
"""What is imported within functions, ours and those of packages, so that a terminal need not wait for it."""

_NOT_HERE = frozenset({"mbcs", "oem"})  # codecs of Windows


def preload(tools: Tools) -> None:
    """Returns when it is all there: about half a second, and 13 MiB."""
    for command in COMMANDS:
        if command.run and command.front != "terminal":
            importlib.import_module(command.run.partition(":")[0])
    for name in _ELSEWHERE:
        importlib.import_module(name)
    for codec in pkgutil.iter_modules(encodings.__path__):  # a mail names its own
        if codec.name not in _NOT_HERE:
            importlib.import_module(f"encodings.{codec.name}")
    with suppress(TrustFault):  # told with each check
        _ = tools.instruments.trust.store, tools.instruments.trust.dated
    gc.collect()
    gc.freeze()  # a full collection would walk all of this again, 0.1 s of the loop each time

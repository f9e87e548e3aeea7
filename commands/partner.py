"""A Result → the text for the partner: their host and address, when, what they presented, what to change. Pure.

Nothing internal: no connector, no name of ours, no address that only we know.
"""

from datetime import datetime

from commands.wording import certificate
from diagnostics.findings import Warn
from diagnostics.model import Path, Result

MAX_LINES = 12
_TRIED = {"dns": "the look-up of its name", "tcp": "connecting"}
HEADLINE = "The text for the partner"
NOTHING = "There is nothing that a partner would have to mend."


def text(result: Result, at: datetime) -> list[str] | None:
    """The lines to send, or None when there is nothing that a partner could mend."""
    bad = [p for p in result.paths if p.verdict in ("failing", "degraded")]
    if not bad or not result.partner_ask:
        return None
    lines = [
        "Hello,",
        "",
        f"Our mail from Microsoft 365 to your mail server seems to fail: a check of it ends with {result.code} {result.title}.",
        f"Please {result.partner_ask}.",
        "",
        f"What we saw on {at:%Y-%m-%d} at {at:%H:%M:%S} UTC:",
        "",
    ]
    for path in bad:
        lines += _path(path)
    facts = next((p.certificate for p in bad if p.certificate), None)
    if facts:
        lines += ["", "The certificate that was presented:", *(f"  {line}" for line in certificate(facts))]
    if not (result.code or "").startswith("4"):
        return lines
    return [*lines, "", "Mail queues at Microsoft 365, is retried automatically once this is fixed, and bounces after 24 hours."]


def _path(path: Path) -> list[str]:
    inside = any(f.tag is Warn.SPLIT_HORIZON for f in path.findings)
    address = f" ({path.address})" if path.address and path.address != path.host and not inside else ""
    failed = next((s for s in path.steps if s.status == "failed"), None)
    # what DNS and TCP say carries the address
    told = failed is not None and not (inside and failed.step in _TRIED)
    why = f": {failed.step}: {failed.detail}" if failed and told else f": failed at {_TRIED[failed.step]}" if failed else ""
    return [f"- {path.host}{address}, TCP port 25{why}", *(f"    {_ours_hidden(line)}" for line in path.transcript[:MAX_LINES])]


def _ours_hidden(line: str) -> str:
    """The name that this machine gives itself is nobody else's business."""
    return line if not line.startswith(("C: EHLO", "C: HELO")) else line[:7]

"""Last retry, next retry, expiry. Pure.

Exchange Online tries again after 15 minutes or less at first and 60 at most, and gives up a day after the mail arrived unless
the tenant set less (EOP FAQ on deferral; Set-TransportConfig -MessageExpiration). Nothing can force a try.
"""

from datetime import datetime, timedelta

from diagnostics.explain.document import Clock
from diagnostics.parse import Reported

SOONEST, LATEST = timedelta(minutes=15), timedelta(minutes=60)
KEPT = timedelta(hours=24)


def clock(error: Reported, now: datetime) -> Clock:
    """The clock of one error's mail at `now`. Mail that was refused or returned is not tried any more.

    Of another sender's queue nothing is known but what its text says itself (RFC 3464 section 2.3.9, Will-Retry-Until).
    """
    if error.state not in ("queued", "expired"):
        return Clock(last_retry=error.last_retry)
    tried = error.last_retry or error.last or error.time
    if error.sender != "exchange-online":
        return Clock(last_retry=tried, expires=error.retry_until if error.state == "queued" else None)
    if error.state == "expired":
        return Clock(last_retry=tried, expires=error.arrival + KEPT if error.arrival else None)
    arrived = error.arrival or _seen_first(error)
    expires = arrived + KEPT if arrived else None
    return Clock(last_retry=tried, next_retry=_next(tried, expires, now), expires=expires)


def _seen_first(error: Reported) -> datetime | None:
    """When the mail was there at the latest. Attempts over more than a day are those of several messages: then the newest's."""
    several = error.first is not None and error.last is not None and error.last - error.first > KEPT
    seen = (error.last if several else error.first, error.time, error.last_retry)
    return min((moment for moment in seen if moment), default=None)


def _next(tried: datetime | None, expires: datetime | None, now: datetime) -> tuple[datetime, datetime] | None:
    """The window of the next try; None where there is none before the expiry, or nothing to reckon from."""
    if tried is None or expires is None or now >= expires:
        return None
    # a window that is over was used without our knowing: the pauses go on to be an hour at most
    start, end = (tried + SOONEST, tried + LATEST) if now < tried + LATEST else (now, now + LATEST)
    end = min(end, expires)
    return (start, end) if start < end else None

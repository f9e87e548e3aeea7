"""Whether this machine may be the one at fault: what must be asked of the control host, and what its answer makes of a claim.

Pure (contract 4, "The control host").
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import ip_address

from diagnostics.findings import Facts, Finding, Reason, Warn
from diagnostics.judge import Judged
from diagnostics.model import Evidence
from diagnostics.net.guard import is_public
from diagnostics.probes.control import Control

NEEDS_CONTROL = frozenset(
    {
        Reason.TCP_TIMEOUT,
        Reason.TCP_REFUSED,
        Reason.TCP_UNREACHABLE,
        Reason.SMTP_CLOSED,
        Reason.SMTP_TIMEOUT,
        Reason.STARTTLS_MISSING,
        Reason.DNS_TIMEOUT,
        Reason.DNS_SERVER_FAILURE,
    }
)
"""Claims that a fault of this machine can fake."""

_DEAD = frozenset({Reason.TCP_TIMEOUT, Reason.TCP_REFUSED, Reason.TCP_UNREACHABLE})
_DNS = frozenset({Reason.DNS_TIMEOUT, Reason.DNS_SERVER_FAILURE})
_DATES = frozenset({Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NOT_YET_VALID})
_NO_FAMILY = {6: Reason.VANTAGE_NO_IPV6, 4: Reason.VANTAGE_NO_ROUTE}
CLOCK_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What must be known of this machine before a result is claimed.

    `control`: whether the control host answers at all; `anew`: now, since Fix now may be offered on it. `families`: IP versions
    of which every path of the result is dead.
    """

    control: bool = False
    anew: bool = False
    families: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Passed:
    """IP versions over which a path of a run got past TCP; `public`: to an address of the Internet."""

    any: frozenset[int] = frozenset()
    public: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Vantage:
    """What a run showed of the machine itself. `control` None: not asked; `over`: the control host's answer over one IP version.

    `is_controlled`: there is a control host.
    """

    control: Control | None = None
    over: Mapping[int, Control] = field(default_factory=dict)
    passed: Passed = Passed()
    is_controlled: bool = False


def doubt(paths: Sequence[Judged]) -> Doubt:
    """What could make these claims untrue."""
    tested = [p for p in paths if p.tested]
    if not tested:
        return Doubt()
    dead = {version for version, group in _by_family(tested).items() if all(p.reason in _DEAD for p in group)}
    return Doubt(
        control=_may_be_ours(tested) or any(p.reason in _DATES for p in tested),
        anew=len(tested) == len(paths) and all(p.reason is Reason.TCP_REFUSED for p in tested),
        families=frozenset(dead),
    )


def passed(evidence: Iterable[Evidence]) -> Passed:
    """Over which IP versions these paths got past TCP."""
    found = {e.address for e in evidence if e.address and any(s.step == "tcp" and s.status == "ok" for s in e.steps)}
    addresses = [ip_address(address) for address in found]
    return Passed(frozenset(a.version for a in addresses), frozenset(a.version for a in addresses if is_public(a)))


def to_ask_over(dead: Iterable[int], seen: Passed, control: Control | None) -> list[int]:
    """The IP versions of `dead` that must be asked for: nothing passed over them, and the other one works."""
    works = seen.any | ({control.family} if control and control.state == "answers" else set())
    return sorted(version for version in set(dead) - seen.any if 10 - version in works)


def from_this_vantage(paths: Sequence[Judged], vantage: Vantage) -> tuple[Judged, ...]:
    """The same paths once the control host has been asked: what it shows too is no fault of theirs."""
    control = vantage.control
    tested = [p for p in paths if p.tested]
    if control is not None and control.state != "answers" and _may_be_ours(tested):
        claims = NEEDS_CONTROL if control.state == "dns" else NEEDS_CONTROL - _DNS
        reason = _local_fault(control, {p.reason for p in tested})
        ours = [reason is not None and p.reason in claims and not _is_refuted(p, vantage) for p in paths]
        return tuple(_ours(p, reason, control.facts) if reason and o else p for p, o in zip(paths, ours, strict=True))
    known = tuple(_without_family(p, vantage) for p in paths)
    return known if control is None else tuple(_by_right_clock(p, control) for p in known)


def control_alone(paths: Sequence[Judged], vantage: Vantage) -> list[Finding]:
    """What is said where the control host is down and other servers prove that port 25 works from here."""
    control = vantage.control
    if control is None or not any(_is_refuted(p, vantage) and p.reason in NEEDS_CONTROL for p in paths):
        return []
    return [Finding(Warn.CONTROL_HOST_DOWN, control.facts)]


def _may_be_ours(tested: Sequence[Judged]) -> bool:
    """Whether every path fails, some in a way that a fault of this machine can fake, and none shows that port 25 works."""
    fails = all(p.verdict == "failing" and (p.reason in NEEDS_CONTROL or p.evidence.address is None) for p in tested)
    return fails and any(p.reason in NEEDS_CONTROL for p in tested)


def _local_fault(control: Control, reasons: set[Reason | None]) -> Reason | None:
    if control.state == "dns":
        return Reason.VANTAGE_DNS
    if reasons <= _DNS:
        return None  # the control host was resolved, so the resolver works
    return Reason.VANTAGE_PORT_25_BLOCKED if control.state == "tcp" else Reason.VANTAGE_PORT_25_INTERCEPTED


def _is_refuted(path: Judged, vantage: Vantage) -> bool:
    """Whether this run got past TCP over the path's IP version, so that port 25 cannot be what is blocked."""
    control = vantage.control
    return control is not None and control.state == "tcp" and _family(path) in vantage.passed.public


def _without_family(path: Judged, vantage: Vantage) -> Judged:
    """The path, untested where the control host cannot be reached over its IP version either."""
    version = _family(path)
    control = vantage.over.get(version) if version and path.reason in _DEAD else None
    if version is None or control is None or control.state != "tcp":
        return path
    return _ours(path, _NO_FAMILY[version], {**control.facts, "how": "control-fails", "version": str(version)})


def _by_family(paths: Sequence[Judged]) -> Mapping[int, list[Judged]]:
    found: dict[int, list[Judged]] = {}
    for path in paths:
        if version := _family(path):
            found.setdefault(version, []).append(path)
    return found


def _family(path: Judged) -> int | None:
    address = path.evidence.address
    return None if address is None else 6 if ":" in address else 4


def _by_right_clock(path: Judged, control: Control) -> Judged:
    """The path; a date fault is in doubt where the control host's clock differs from this machine's by more than the margin."""
    off = control.clock_off
    if path.reason not in _DATES or off is None or abs(off) <= CLOCK_MARGIN:
        return path
    return _ours(path, Reason.VANTAGE_CLOCK, {**control.facts, "hours": f"{off.total_seconds() / 3600:+.1f}"})


def _ours(path: Judged, reason: Reason, facts: Facts) -> Judged:
    return replace(path, verdict="unknown", reason=reason, finding=Finding(reason, facts))

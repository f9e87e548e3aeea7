"""What `serve` counts, for Prometheus. Nothing is loaded or counted before `start`.

No host, connector, domain or person stands in a label, and each label has few values: whatever is not expected, or is one too
many, becomes "other".
"""

import re
from typing import TYPE_CHECKING

from commands.reply import Reply

if TYPE_CHECKING:
    from diagnostics.model import Result

OTHER = "other"
MAX_VALUES = 60
"""Of one label. Slack has some hundred methods and errors, of which a bot meets a dozen."""

_CHECK_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300)
_STEP_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class _Few:
    """The values that a label may have: those that look right, as many as fit."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        if value not in self._known:
            if len(self._known) >= MAX_VALUES or not self._pattern.fullmatch(value):
                return OTHER
            self._known.add(value)
        return value


class _Meters:
    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

        self.registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        self.results = Counter(
            "mailflow_results",
            "Targets checked, by verdict, Microsoft's code, the step that failed first, and who asked: a person or a watch",
            ("verdict", "code", "step", "by"),
            registry=registry,
        )
        self.checks = Histogram(
            "mailflow_check_seconds",
            "How long a check took, with all its targets",
            ("by",),
            buckets=_CHECK_BUCKETS,
            registry=registry,
        )
        self.steps = Histogram(
            "mailflow_step_seconds", "How long a step of one path took", ("step",), buckets=_STEP_BUCKETS, registry=registry
        )
        self.slack = Counter(
            "mailflow_slack_errors", "Calls that Slack refused, by its own word for it", ("method", "error"), registry=registry
        )
        self.watches = Counter("mailflow_watches_ended", "Watches that ended, and why", ("outcome",), registry=registry)
        self.code = _Few(r"\d{3} \d\.\d{1,3}\.\d{1,3}")
        self.method = _Few(r"[a-z]{1,20}(\.[A-Za-z]{1,30}){0,4}|response_url")
        self.error = _Few(r"[A-Za-z][A-Za-z0-9_]{0,50}")


_meters: _Meters | None = None


def start() -> _Meters:
    """Count from here on. Once more changes nothing."""
    global _meters  # noqa: PLW0603 - a process has one set of counters
    _meters = _meters or _Meters()
    return _meters


def count(reply: Reply, *, by: str = "person") -> None:
    """A finished answer: of `check` its results, of any other command nothing."""
    from diagnostics.model import Diagnosis

    if _meters is None or not isinstance(reply.document, Diagnosis):
        return
    _meters.checks.labels(by).observe(reply.document.seconds)
    for result in reply.document.results:
        _meters.results.labels(result.verdict, _meters.code(result.code) if result.code else "none", _failed(result), by).inc()
        if result.age:
            continue  # seen by another check, and counted there
        for step in (step for path in result.paths for step in path.steps if step.seconds is not None):
            _meters.steps.labels(step.step).observe(step.seconds or 0)


def slack_error(method: str, error: str) -> None:
    """Slack did not do what was asked. `error` is Slack's own word (`ratelimited`), or the name of what was raised."""
    if _meters is not None:
        _meters.slack.labels(_meters.method(method), _meters.error(error)).inc()


def watch_ended(*, works: bool) -> None:
    if _meters is not None:
        _meters.watches.labels("works" if works else "over").inc()


def page(accept: str = "") -> tuple[bytes, str]:
    """What Prometheus reads, in the form that it accepts, and its content type."""
    from prometheus_client.exposition import choose_encoder

    encode, content_type = choose_encoder(accept)
    return encode(start().registry), content_type


def _failed(result: "Result") -> str:
    """The step that `code` and `reason` tell of: those of the first path that has them (contract 3)."""
    path = next((p for p in result.paths if p.reason == result.reason and p.verdict != "healthy"), None)
    return next((s.step for s in path.steps if s.status == "failed"), "none") if path else "none"

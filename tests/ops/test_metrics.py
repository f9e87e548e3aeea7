"""What is counted, and that nobody's names are among the labels."""

import re

import hypothesis.strategies as st
import pytest
from hypothesis import given

from bot import metrics
from commands.reply import Reply
from diagnostics.findings import Reason
from diagnostics.model import STEPS, Diagnosis, FixNow, Path, Result, Step
from tests.store.factories import NOW


@pytest.fixture(autouse=True)
def _from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_meters", None)


def a_path(reason: Reason | None, *failed: str, host: str = "mail.contoso.com") -> Path:
    steps = [Step(step=s, status="failed" if s in failed else "ok", seconds=None if s in failed else 0.02) for s in STEPS]
    verdict = "failing" if failed else "healthy"
    return Path(host=host, address="192.0.2.1", preference=None, verdict=verdict, code=None, reason=reason, steps=tuple(steps))


def a_result(verdict: str, code: str | None, reason: Reason | None, *paths: Path, age: float = 0) -> Result:
    return Result.model_validate(
        {
            "id": "r-1",
            "target": "Contoso on-premises",
            "connector": None,
            "verdict": verdict,
            "code": code,
            "code_basis": None,
            "reason": reason,
            "title": "T",
            "summary": "S",
            "fix_now": FixNow(offered=False, why=""),
            "paths": paths,
            "age": age,
        }
    )


def an_answer(*results: Result) -> Reply:
    return Reply("x", document=Diagnosis(started=NOW, seconds=1.5, results=results))


def samples() -> dict[str, float]:
    text = metrics.page()[0].decode()
    lines = (line.rpartition(" ") for line in text.splitlines() if line.startswith("mailflow_"))
    return {name: float(value) for name, _, value in lines if "_created" not in name}


def test_a_check_is_counted_by_verdict_code_and_step() -> None:
    metrics.start()
    refused = a_result("failing", "450 4.4.316", Reason.TCP_REFUSED, a_path(None), a_path(Reason.TCP_REFUSED, "tcp"))
    metrics.count(an_answer(refused, refused, a_result("healthy", None, None, a_path(None))))
    metrics.count(an_answer(a_result("unknown", None, Reason.NOTHING_TO_CHECK)), by="watch")
    found = samples()
    assert found['mailflow_results_total{by="person",code="450 4.4.316",step="tcp",verdict="failing"}'] == 2
    assert found['mailflow_results_total{by="person",code="none",step="none",verdict="healthy"}'] == 1
    assert found['mailflow_results_total{by="watch",code="none",step="none",verdict="unknown"}'] == 1
    assert found['mailflow_check_seconds_count{by="person"}'] == 1
    assert found['mailflow_check_seconds_sum{by="person"}'] == 1.5
    assert found['mailflow_step_seconds_count{step="dns"}'] == 5
    assert found['mailflow_step_seconds_count{step="tcp"}'] == 3


def test_what_another_check_saw_is_not_timed_again() -> None:
    metrics.start()
    metrics.count(an_answer(a_result("healthy", None, None, a_path(None), age=12.5)))
    assert 'mailflow_step_seconds_count{step="dns"}' not in samples()


def test_other_answers_are_not_counted() -> None:
    metrics.start()
    before = samples()
    metrics.count(Reply("help"))
    assert samples() == before


def test_nothing_is_counted_where_nobody_looks() -> None:
    metrics.count(an_answer(a_result("healthy", None, None)))
    metrics.slack_error("chat.update", "ratelimited")
    metrics.watch_ended(works=True)
    assert metrics._meters is None


def test_slack_and_watches() -> None:
    metrics.start()
    for _ in range(2):
        metrics.slack_error("chat.postMessage", "ratelimited")
    metrics.slack_error("https://hooks.slack.com/x", "What?")
    metrics.watch_ended(works=True)
    metrics.watch_ended(works=False)
    found = samples()
    assert found['mailflow_slack_errors_total{error="ratelimited",method="chat.postMessage"}'] == 2
    assert found['mailflow_slack_errors_total{error="other",method="other"}'] == 1
    assert found['mailflow_watches_ended_total{outcome="works"}'] == 1
    assert found['mailflow_watches_ended_total{outcome="over"}'] == 1


def test_the_process_is_shown_too() -> None:
    assert "process_resident_memory_bytes" in metrics.page()[0].decode()


def test_the_form_that_prometheus_asks_for() -> None:
    assert metrics.page("application/openmetrics-text; version=1.0.0")[1].startswith("application/openmetrics-text")
    assert metrics.page()[1].startswith("text/plain")


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), max_size=5))
def test_whatever_slack_says_becomes_a_label_or_other(pairs: list[tuple[str, str]]) -> None:
    metrics.start()
    for method, error in pairs:
        metrics.slack_error(method, error)
    for name in samples():
        for value in re.findall(r'(?:method|error)="([^"]*)"', name):
            assert re.fullmatch(r"[A-Za-z0-9_.]+", value)


def test_no_label_grows_without_end() -> None:
    metrics.start()
    for n in range(500):
        metrics.slack_error("chat.update", f"error_{n}")
        metrics.count(an_answer(a_result("failing", f"450 4.4.{n}", Reason.TCP_REFUSED, a_path(Reason.TCP_REFUSED, "tcp"))))
    assert sum("slack_errors_total" in name for name in samples()) == metrics.MAX_VALUES + 1
    assert sum("results_total" in name for name in samples()) == metrics.MAX_VALUES + 1


def test_no_names_in_labels() -> None:
    metrics.start()
    path = a_path(Reason.TCP_REFUSED, "tcp", host="mail.contoso.com")
    metrics.count(an_answer(a_result("failing", "450 4.4.316", Reason.TCP_REFUSED, path)))
    text = metrics.page()[0].decode().lower()
    assert not re.search("contoso|192.0.2", text)

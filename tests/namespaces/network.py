"""A network of a test's own: a namespace with its addresses, routes and packet filter, a lab in it, and the real program.

Nothing that happens there reaches anybody: a new namespace has no interface but its own loopback. So addresses of the
Internet can be used, and the program needs no --allow-private. They are AS112's (RFC 7534, 7535): routed everywhere,
and nobody's mail server.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

HOST, OTHER, CONTROL = "192.31.196.1", "192.31.196.2", "192.175.48.6"
HOST6 = "2620:4f:8000::1"
CONTROL_NAME = "mail.control.test"
CONTROL_BANNER = f"220 {CONTROL_NAME} ESMTP ready"

UP = """
ip link set lo up
"""

HERE = f"""
ip addr add {HOST}/32 dev lo
ip addr add {OTHER}/32 dev lo
ip addr add {CONTROL}/32 dev lo
"""
"""The usual addresses, all on this machine."""

WORLD: Mapping[str, Any] = {
    "dns": {"mail.example.test": [f"A {HOST}"], CONTROL_NAME: [f"A {CONTROL}"]},
    "mail": {HOST: {}, CONTROL: {"banner": CONTROL_BANNER}},
}
"""A healthy server and a control host."""


@dataclass(frozen=True)
class Answer:
    """One run of the program. `packets`: what each counter of the packet filter counted meanwhile."""

    exit_code: int
    out: str
    errors: str
    seconds: float
    packets: Mapping[str, int]

    @property
    def results(self) -> list[dict[str, Any]]:
        assert not self.errors, self.errors
        document = json.loads(self.out)
        assert document["schema"] == "mailflow/check/1"
        return list(document["results"])

    @property
    def result(self) -> dict[str, Any]:
        (one,) = self.results
        return one

    @property
    def verdict(self) -> tuple[str, str | None, str | None]:
        return self.result["verdict"], self.result["code"], self.result["reason"]

    @property
    def warnings(self) -> set[str]:
        return {warning["id"] for warning in self.result["warnings"]}

    @property
    def paths(self) -> list[tuple[str | None, str | None]]:
        """(address, reason) of each path."""
        return [(path["address"], path["reason"]) for path in self.result["paths"]]


@dataclass(frozen=True)
class Seen:
    """What came out: the program's answers, what other programs said, and what the lab saw."""

    answers: list[Answer]
    said: list[str]
    sessions: Mapping[str, list[list[str]]]
    queries: Mapping[tuple[str, str], int]

    @property
    def answer(self) -> Answer:
        (one,) = self.answers
        return one


@dataclass(frozen=True)
class Network:
    """A namespace to be made: `before` and `after` the lab is up, shell steps of its root; `end` at the end, come what may.

    `daemons`: servers to start before the lab. `as_root`: with all of this machine's users in it, which takes a root
    and which servers that change users need.
    """

    folder: Path
    before: str = HERE
    after: str = ""
    end: str = ""
    world: Mapping[str, Any] = field(default_factory=lambda: WORLD)
    daemons: Sequence[Mapping[str, Any]] = ()
    as_root: bool = False

    def run(self, *checks: Sequence[str], control: str = "", commands: Sequence[Sequence[str]] = (), timeout: str = "1") -> Seen:
        """Run `mailflow check` with each line of words, and then other programs, in this network."""
        common = ["--json", "--control-host", control, "--timeout", timeout, "--deadline", "3"]
        order = {
            "before": UP + self.before,
            "after": self.after,
            "end": self.end,
            "world": dict(self.world),
            "folder": str(self.folder),
            "daemons": list(self.daemons),
            "checks": [[*common, *words] for words in checks],
            "commands": [list(argv) for argv in commands],
            "count": "counter" in self.before + self.after,
        }
        users = [] if self.as_root else ["--user", "--map-root-user"]
        environ = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "HOME": str(self.folder / "nobody"), "LANG": "C.UTF-8"}
        done = subprocess.run(
            ["unshare", *users, "--net", "--", sys.executable, "-m", "tests.namespaces.inside"],
            input=json.dumps(order),
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        told = json.loads(done.stdout)
        return Seen(
            answers=[Answer(**answer) for answer in told["answers"]],
            said=told["said"],
            sessions=told["sessions"],
            queries={(name, kind): times for name, kind, times in told["queries"]},
        )


def filtered(*rules: str, hook: str = "input") -> str:
    """The step that puts rules into the packet filter. Counters of the name `NAME` are declared where rules use them."""
    names = sorted({rule.split('counter name "')[1].split('"')[0] for rule in rules if 'counter name "' in rule})
    counters = "\n".join(f"counter {name} {{ }}" for name in names)
    lines = "\n".join(rules)
    return f"""
nft -f - <<'END'
table inet lab {{
{counters}
chain {hook} {{
type filter hook {hook} priority 0
{lines}
}}
}}
END
"""

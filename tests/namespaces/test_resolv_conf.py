"""A machine that names no DNS resolver: one sentence that says what to do, and no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.namespaces.network import ROOT

pytestmark = pytest.mark.needs("namespaces")

SCRIPT = 'mount --bind /dev/null /etc/resolv.conf; exec "$0" -m bot check mail.example.test --control-host ""'


def test_an_empty_resolv_conf_is_told_in_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "--net", "--", "bash", "-euc", SCRIPT, sys.executable],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "nobody")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "--dns" in done.stderr

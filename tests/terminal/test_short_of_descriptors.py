"""A machine that runs out of file descriptors says so of itself, and blames no mail server (contract 4, vantage-fault)."""

import asyncio
import json
import os
import sys
from pathlib import Path

from bot.demo.lab import Lab, parse

HOSTS = 14
DESCRIPTORS = 14  # standard streams, the loop's own, the resolver; what is left is less than HOSTS

WORLD = parse({"mail": {f"127.0.29.{n}": {"behaviour": "tarpit", "delay": 0.3} for n in range(1, HOSTS + 1)}})


async def test_what_could_not_be_tried_is_our_fault(tmp_path: Path) -> None:
    async with Lab(WORLD, tmp_path) as lab:
        flags = ["--dns", lab.dns, "--smtp-port", str(lab.smtp_port), "--allow-private", "--control-host", "", "--json"]
        line = [sys.executable, "-m", "bot", "check", *lab.mail, *flags]
        limited = ["bash", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "limited", *line]
        root = str(Path(__file__).parents[2])
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": root, "HOME": str(tmp_path)}
        child = await asyncio.create_subprocess_exec(*limited, stdout=asyncio.subprocess.PIPE, env=env, cwd=tmp_path)
        out, _ = await asyncio.wait_for(child.communicate(), 60)
    results = json.loads(out)["results"]
    reasons = {r["reason"] for r in results}
    assert reasons == {None, "vantage-fault"}
    assert all(r["verdict"] in ("healthy", "unknown") and r["code"] is None for r in results)
    assert child.returncode == 3

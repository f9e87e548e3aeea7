"""Starts the program as often as a test likes, in processes of their own (crash_worker.py)."""

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.fix import crash_worker

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Process:
    out: Path

    async def pid(self) -> int:
        return await self._number("pid")

    async def code(self) -> int:
        """Its exit code, once it has ended; below 0 the signal that ended it."""
        return await self._number("code")

    async def said(self) -> dict[str, Any]:
        """The JSON that it printed; all that it printed, when that is none."""
        await self.code()
        text = self.out.read_text()
        try:
            document: dict[str, Any] = json.loads(text)
        except ValueError:
            return {"text": text, "errors": self.errors}
        return document

    @property
    def errors(self) -> str:
        return Path(f"{self.out}.err").read_text()

    async def sleeps(self) -> None:
        """Until it was stopped by SIGSTOP."""
        status = Path(f"/proc/{await self.pid()}/stat")
        while status.read_text().rpartition(")")[2].split()[0] != "T":
            await asyncio.sleep(0.01)

    async def send(self, number: int) -> None:
        os.kill(await self.pid(), number)

    async def _number(self, what: str) -> int:
        file = Path(f"{self.out}.{what}")
        while not file.exists():
            await asyncio.sleep(0.01)
        return int(file.read_text())


class Program:
    """`start` it with words, as often as you like."""

    def __init__(self, folder: Path, words: IO[str]) -> None:
        self._folder, self._words, self._numbers = folder, words, itertools.count()

    def start(self, *argv: str, env: Mapping[str, str], at: tuple[str, int, str] | None = None) -> Process:
        """`at`: (point, how often it is passed before, what happens there)."""
        process = Process(self._folder / f"out-{next(self._numbers)}")
        self._words.write(json.dumps({"argv": argv, "env": dict(env), "out": str(process.out), "at": at}) + "\n")
        self._words.flush()
        return process


@contextlib.contextmanager
def program(folder: Path, before: Sequence[str] = ()) -> Iterator[Program]:
    """`before`: a command that starts it where it is to run."""
    environ = {"PYTHONPATH": str(ROOT), "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "HOME": str(folder)}
    argv = [*before, sys.executable, "-W", "error", crash_worker.__file__]
    with subprocess.Popen(argv, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin
        assert parent.stdout
        assert parent.stdout.readline() == "ready\n"
        yield Program(folder, parent.stdin)

"""`make breaks`: each rule of tests/breaks.d is taken out of a copy of the project, and the tests named beside it have to fail.

A test that stays green with its rule gone proves nothing. Not part of `make test`: each break is a run of pytest of its own.
"""

import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("mailflow", "bot", "commands", "diagnostics")
COPIED = (*PACKAGES, "tests", "docs", "pyproject.toml", "manifest.yaml", "manifest.http.yaml", "README.md")
AT_ONCE = 2
SECONDS = 300.0
_FAILED = 1  # pytest's exit code for failed tests; others say that none could be run


@dataclass(frozen=True)
class Break:
    """In `file`, the text `find`, which stands there once, becomes `replace`; `tests` have to fail then."""

    name: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]


def breaks(folder: Path = ROOT / "tests" / "breaks.d") -> list[Break]:
    """All of them, by file and in their order."""
    found = []
    for file in sorted(folder.glob("*.toml")):
        rows = tomllib.loads(file.read_text(encoding="utf-8"))["break"]
        found += [Break(r["name"], r["file"], r["find"], r["replace"], tuple(r["tests"])) for r in rows]
    return found


def applied(text: str, one: Break) -> str:
    """The file's text with the rule gone. Raises ValueError where the rule is not there once."""
    if text.count(one.find) != 1:
        raise ValueError(f"{one.file} holds the text {text.count(one.find)} times")
    return text.replace(one.find, one.replace)


def run(one: Break) -> str:
    """Why the break shows nothing, or "" when the tests fail as they should."""
    with tempfile.TemporaryDirectory(prefix="mailflow-break-") as place:
        copy = Path(place)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
            else:
                shutil.copy(source, copy / name)
        file = copy / one.file
        try:
            file.write_text(applied(file.read_text(encoding="utf-8"), one), encoding="utf-8")
        except (OSError, ValueError) as error:
            return str(error)
        command = [sys.executable, "-m", "pytest", "-n0", "-x", "-q", "-p", "no:cacheprovider", *one.tests]
        try:
            done = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return f"no end within {SECONDS:g} s"
    if done.returncode == _FAILED:
        return ""
    return "the tests stay green" if done.returncode == 0 else f"pytest: {(done.stdout + done.stderr).strip()[-200:]}"


def main(wanted: list[str]) -> int:
    """Run those whose name holds one of the words, or all. Returns 1 if any break shows nothing."""
    chosen = [one for one in breaks() if not wanted or any(word in one.name for word in wanted)]
    wrong = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for one, why in zip(chosen, pool.map(run, chosen), strict=True):
            print(f"{'red as it should be' if not why else 'WRONG':<20} {one.name}{f': {why}' if why else ''}", flush=True)
            wrong += bool(why)
    print(f"{len(chosen) - wrong} of {len(chosen)} breaks are seen by their tests")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

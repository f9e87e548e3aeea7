"""`pip install .` into an empty environment gives a `mailflow` that works from any folder and writes nothing at home."""

import email
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import readme_renderer.markdown

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "commands", "diagnostics")
MANIFESTS = ("manifest.yaml", "manifest.http.yaml")
LEFT_AT_HOME = shutil.ignore_patterns("__pycache__", "node_modules", ".*_cache")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip install .` starts from, in a copy: a build may write into its folder. With an npm install in it."""
    copy = tmp_path_factory.mktemp("source")
    for package in (*PACKAGES, "mailflow"):
        shutil.copytree(ROOT / package, copy / package, ignore=LEFT_AT_HOME)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore", *MANIFESTS):
        shutil.copy(ROOT / name, copy)
    heavy = copy / "bot/demo/node_modules/heavy"
    heavy.mkdir(parents=True)
    (heavy / "index.js").touch()
    return copy


@pytest.fixture(scope="module")
def installed(source: Path, given_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds nothing but what `pip install .` brought."""
    environment = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", environment], env=given_environ, check=True, timeout=120)
    pip = [str(environment / "bin/python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "."]
    subprocess.run(pip, cwd=source, env=given_environ, check=True, timeout=240)
    return environment / "bin"


def run(program: Path, *argv: str, home: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.defpath, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([program, *argv], cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.needs("package-index")
@pytest.mark.timeout(400)
class TestInstalled:
    @pytest.mark.parametrize("argv", [("--help",), ("check", "--help"), ("help", "check")])
    def test_help_from_another_folder(self, installed: Path, tmp_path: Path, argv: tuple[str, ...]) -> None:
        home = tmp_path / "home"
        home.mkdir()
        done = run(installed / "mailflow", *argv, home=home, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "mailflow check" in done.stdout
        assert list(home.iterdir()) == []

    def test_a_home_that_cannot_be_written(self, installed: Path, tmp_path: Path) -> None:
        (tmp_path / "file").touch()  # nobody can write below a file, root included
        done = run(installed / "mailflow", "check", "--help", home=tmp_path / "file/home", cwd=tmp_path)
        assert done.returncode == 0, done.stderr

    def test_a_check_works(self, installed: Path, tmp_path: Path) -> None:
        (tmp_path / "none.json").write_text("[]")
        done = run(installed / "mailflow", "check", "--connectors", "none.json", home=tmp_path / "home", cwd=tmp_path)
        assert done.returncode == 2, done.stdout + done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert not (tmp_path / "home").exists()

    def test_all_data_files_and_nothing_else(self, source: Path, installed: Path) -> None:
        """The wheel's folder mailflow has what the checkout's root has, and nothing of ours is beside it."""
        expected = {
            path.relative_to(source)
            for package in PACKAGES
            for path in (source / package).rglob("*")
            if path.is_file() and "node_modules" not in path.parts
        }
        expected |= {Path(name) for name in (*MANIFESTS, "__init__.py", "__main__.py", "py.typed")}
        folder = site(installed) / "mailflow"
        found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
        assert {path for path in found if path.suffix != ".pyc"} == expected
        assert any(path.suffix == ".toml" for path in expected)
        assert Path("bot/demo/package-lock.json") in expected
        assert not {path.name for path in site(installed).iterdir()} & {*PACKAGES, "tests", "bench", "attack", "docs"}

    @pytest.mark.parametrize("program", [("mailflow",), ("python", "-m", "mailflow")], ids=" ".join)
    def test_nobody_elses_packages_are_taken_for_ours(self, installed: Path, tmp_path: Path, program: tuple[str, ...]) -> None:
        """A folder where the program is started, and another distribution: PyPI has one whose package is `diagnostics`."""
        for folder in (tmp_path, site(installed)):
            for package in PACKAGES:
                (folder / package).mkdir(exist_ok=True)
                (folder / package / "__init__.py").write_text("raise SystemExit('not ours')")
        try:
            done = run(installed / program[0], *program[1:], "manifest", "--http", home=tmp_path / "home", cwd=tmp_path)
        finally:
            for package in PACKAGES:
                shutil.rmtree(site(installed) / package)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == (ROOT / "manifest.http.yaml").read_text(encoding="utf-8")

    def test_files_are_read_in_a_process_that_finds_its_packages(self, installed: Path, tmp_path: Path) -> None:
        code = """
import asyncio, mailflow.__main__
from diagnostics.parse.isolated import read_apart
print(asyncio.run(read_apart("450 4.4.316 Connection refused", [])).errors[0].code)
"""
        done = run(installed / "python", "-c", code, home=tmp_path / "home", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "450 4.4.316\n"), done.stderr


def site(installed: Path) -> Path:
    """The folder of an environment's packages."""
    return Path(sysconfig.get_path("purelib", vars={"base": str(installed.parent)}))


def test_the_lock_is_current() -> None:
    uv = Path(sys.executable).parent / "uv"
    done = subprocess.run([uv, "lock", "--check", "--offline"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_everything_locked_has_a_hash() -> None:
    lines = [line for line in (ROOT / "uv.lock").read_text().splitlines() if "url = " in line]
    assert len(lines) > 100
    assert all('hash = "sha256:' in line for line in lines)


def test_the_pythons_that_are_claimed_are_those_that_are_tested() -> None:
    """Debian 12 has the oldest, Debian 13 the newest; style and types are checked for the oldest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    oldest = project["project"]["requires-python"].removeprefix(">=")
    claimed = [text.rpartition(" ")[2] for text in project["project"]["classifiers"] if re.search(r"Python :: 3\.[0-9]", text)]
    assert (claimed[0], claimed[-1]) == (oldest, "3.13")
    assert project["tool"]["mypy"]["python_version"] == oldest
    assert project["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    run = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "PYTHON=/usr/bin/python3" in run
    assert ".ci/fresh trixie" in run


@pytest.fixture(scope="module")
def built(given_environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of sdist and wheel, the wheel made from the sdist, as for a release."""
    folder = tmp_path_factory.mktemp("built")
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "build", "--quiet", "--out-dir", folder], cwd=ROOT, env=given_environ, check=True, timeout=240)
    return folder


@pytest.mark.needs("package-index", "checkout")
@pytest.mark.timeout(400)
class TestBuilt:
    def test_the_sdist_has_all_that_is_committed(self, built: Path) -> None:
        (sdist,) = built.glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            found = {str(Path(*Path(name).parts[1:])) for name in archive.getnames()} - {"PKG-INFO"}
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        assert sorted(set(listed.stdout.split("\0")[:-1]) - found) == []
        assert [name for name in found if not (ROOT / name).exists()] == []
        assert not [name for name in found if "node_modules" in name or name.startswith(".venv")]

    def test_a_package_index_shows_the_readme_and_the_addresses(self, built: Path) -> None:
        (wheel,) = built.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
            told = email.message_from_bytes(archive.read(name))
        assert told["Description-Content-Type"] == "text/markdown"
        page = readme_renderer.markdown.render(str(told.get_payload()), stream=io.StringIO())
        assert page is not None
        assert "<table>" in page
        assert "<h2" in page
        assert {url.split(",")[0] for url in told.get_all("Project-URL", [])} >= {
            "Source",
            "Documentation",
            "Changelog",
            "Security",
        }


def test_what_is_not_shown_is_found() -> None:
    """The renderer gives None for what an index would refuse to show."""
    assert "<script" not in (readme_renderer.markdown.render("<script>1</script>", stream=io.StringIO()) or "")

"""Build the sdist and the wheel, install them into empty environments, and build and verify an example from there.

    python tests/tools/try_packages.py [--pythons 3.10,3.13,/path/to/python] [--resolutions highest,lowest-direct]
                                       [--sdist] [--output FOLDER]

Needs the programs `uv` and `pyproject-build` (`pip install uv build`). Every interpreter, by default the newest of each
version since 3.10 that uv finds on this machine, is tried with the newest and with the lowest versions that
pyproject.toml allows of what edgeq depends on directly. Only wheels are taken from the registry: a version without one
is no candidate. In each environment, outside of the checkout and with nothing else on the PATH:

- what is installed has no conflicts, `edgeq --version`, `doctor`, `targets`, `boards`, `ops` and `init` end well;
- examples/digits is built for Cortex-M4 and for this machine, with the compiler that the extra `zig` brings;
- both run, in the emulator that the extra `emulator` brings and here; every bit is the simulator's;
- the folders hold a licence.

Ends with a table, and with code 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from ast import literal_eval
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESOLUTIONS = ("highest", "lowest-direct")
EXTRAS = ("zig", "emulator")
LEAST = (3, 10)
LONGEST = 1200.0
IN_WHEEL = (
    "edgeq/py.typed",
    "edgeq/data/LICENSE",
    "edgeq/data/templates/model.c.j2",
    "edgeq/data/targets/cpus/host.toml",
)
IN_SDIST = (
    "pyproject.toml",
    "LICENSE",
    "README.md",
    "edgeq/py.typed",
    "templates/model.c.j2",
    "examples/digits/digits.onnx",
)
NEVER = ("__pycache__", ".venv", "build/")


@dataclass(frozen=True)
class Failed(Exception):
    """What a step said when it failed."""

    step: str
    text: str


def run(step: str, *words: object, folder: Path, environment: dict[str, str] | None = None) -> str:
    """Output of a program.

    Raises:
        Failed: it failed.
    """
    command = [str(word) for word in words]
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failed(step, str(error)) from error
    if done.returncode:
        raise Failed(step, f"{' '.join(command)}: {done.stdout[-1500:]}{done.stderr[-3000:]}")
    return done.stdout


def distributions(folder: Path) -> tuple[Path, Path]:
    """The sdist, and the wheel that is made of it; both hold what they should, and nothing else.

    Raises:
        Failed: they cannot be made, or lack something.
    """
    program = shutil.which("pyproject-build") or str(Path(sys.executable).with_name("pyproject-build"))
    uv = ["--installer", "uv"]
    run("build", program, *uv, "--outdir", folder, ROOT, folder=ROOT)
    (sdist,), (wheel,) = folder.glob("edgeq-*.tar.gz"), folder.glob("edgeq-*.whl")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    _holds(sdist, names, IN_SDIST)
    _holds(wheel, set(zipfile.ZipFile(wheel).namelist()), IN_WHEEL)
    return sdist, wheel


def _holds(archive: Path, names: set[str], wanted: Sequence[str]) -> None:
    absent = [name for name in wanted if name not in names]
    surplus = [name for name in names if any(part in name for part in NEVER)]
    if absent or surplus:
        raise Failed("contents", f"{archive.name} lacks {absent}, has {surplus[:5]}")


def interpreters(wanted: str | None) -> list[str]:
    """The interpreters to try: versions or paths."""
    if wanted:
        return wanted.split(",")
    listed = run("python list", _uv(), "python", "list", "--only-installed", "--output-format", "json", folder=ROOT)
    paths = [item["path"] for item in json.loads(listed) if item["implementation"] == "cpython"]
    paths += map(str, Path.home().glob(".pyenv/versions/*/bin/python"))  # where uv only sees what pyenv has chosen
    ask = "import sys; print(sys.version_info[:2])"
    newest = {run("version", path, "-c", ask, folder=ROOT): path for path in paths if "shims" not in path}
    versions = {literal_eval(version): path for version, path in newest.items()}
    return [versions[version] for version in sorted(versions) if version >= LEAST]


def _uv() -> str:
    return shutil.which("uv") or str(Path(sys.executable).with_name("uv"))


def try_one(package: Path, python: str, resolution: str, folder: Path) -> list[str]:
    """Install a distribution into an empty environment and use it.

    Returns:
        What is worth telling: versions, figures.

    Raises:
        Failed: a step failed.
    """
    run("venv", _uv(), "venv", "--quiet", "--python", python, folder / "env", folder=folder)
    inside = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    interpreter = inside / "python"
    pip = [_uv(), "pip", "install", "--quiet", "--python", interpreter]
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    needed = ["--resolution", resolution, "--only-binary", ":all:", "-r", ROOT / "pyproject.toml", *extras]
    run("install", *pip, *needed, folder=folder)
    run("install", *pip, "--no-deps", package, folder=folder)
    run("check", _uv(), "pip", "check", "--quiet", "--python", interpreter, folder=folder)
    shutil.copytree(ROOT / "examples" / "digits", folder / "digits")
    # No compiler, no emulator, no CMake of the machine: the extras bring them.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment["PATH"] = str(inside)

    def edgeq(*words: object) -> str:
        return run(f"edgeq {words[0]}", inside / "edgeq", *words, folder=folder, environment=environment)

    versions = edgeq("--version").splitlines()
    for words in (
        ("doctor",),
        ("targets",),
        ("boards",),
        ("ops", "--onnx"),
        ("init", "digits/digits.onnx", "--output", "."),
    ):
        edgeq(*words)
    figures = []
    for target in ("cortex-m4", "host"):
        made = json.loads(edgeq("build", "digits", "--target", target, "--output", target, "--json"))
        found = json.loads(edgeq("verify", target, "--data", "digits/test.npz", "--samples", 20, "--json"))
        if found["mismatches"] or not (folder / target / "LICENSE").is_file():
            raise Failed(target, f"{found['mismatches']} mismatches, or no LICENSE")
        figures.append(f"{target} {made['flash_bytes']} B")
    where = run(
        "where", interpreter, "-c", "import edgeq; print(edgeq.__file__)", folder=folder, environment=environment
    )
    if str(ROOT) in where:
        raise Failed("where", f"the checkout's own edgeq was taken: {where}")
    return [versions[1].strip(), versions[2].strip(), *figures]


def main() -> int:
    """Try all; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pythons", help="versions or paths, with commas; default: all that uv finds")
    parser.add_argument("--resolutions", default=",".join(RESOLUTIONS), help="of uv, with commas (%(default)s)")
    parser.add_argument("--sdist", action="store_true", help="install the sdist in place of the wheel")
    parser.add_argument("--output", type=Path, required=True, help="an empty folder for all that is made")
    options = parser.parse_args()
    output: Path = options.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    failures = 0
    try:
        sdist, wheel = distributions(output)
        pythons = interpreters(options.pythons)
    except Failed as failed:
        print(f"{failed.step}: {failed.text}")
        return 1
    print(f"{sdist.name} {sdist.stat().st_size:,} B, {wheel.name} {wheel.stat().st_size:,} B", flush=True)
    for number, python in enumerate(pythons):
        for resolution in options.resolutions.split(","):
            folder = output / f"{number}-{resolution}"
            folder.mkdir()
            try:
                told = "\n    ".join(try_one(sdist if options.sdist else wheel, python, resolution, folder))
            except Failed as failed:
                failures += 1
                told = f"FAILED at {failed.step}: {failed.text}"
            print(f"{python}, {resolution}:\n    {told}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

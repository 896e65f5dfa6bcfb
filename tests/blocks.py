"""Blocks of commands in the documentation: found, and run as somebody would type them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from command_line import succeeds

CHECKOUT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^ *```(?:console|sh|bash)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"[|><;&`]|\$\(")

SPARED = {
    r"--port|^edgeq (flash|monitor)\b(?!.*--dry-run)": "a board that is plugged in",
    r"^(openocd|qemu-system-arm .*-serial)": "a debugger or an emulator that stays",
    r"--host|^(scp|ssh|ssh-copy-id) ": "another computer",
    r"^(pip|sudo|apt-get|npm) |\| sudo |^python3? -m (pip|venv)": "something to be installed",
    r"^(make|git|cd|towncrier) ": "the whole checkout",
    r"^\S*python3? \S*(train|demo|observers)\.py": "minutes of training",
    r"check_operators\.py": "the checkout, and minutes of TensorFlow",
    r"--kernels (cmsis|esp)-nn": "a copy of another library",
    r"^(idf\.py|west|cmake|arduino-cli|pio|cbuild|STM32) ?": "another vendor's tools",
    r"--target rpi4 .*--emit python": "a compiler for another computer",
    r"\bwake\.onnx|--model wake": "two models without samples; test_several_models.py builds such",
    r"\bwords\.onnx": "a model over a window; test_stream.py builds such",
    r"…|\bedgeq targets \|": "no command but an outline of some",
}
"""Commands that are not run, by what they need: the one place for it."""


def spared(line: str) -> str | None:
    """What a command needs that tests have not; None for one that they run."""
    return next((why for pattern, why in SPARED.items() if re.search(pattern, line)), None)


def pages() -> list[Path]:
    """Every page that may have commands in it."""
    folders = [*(CHECKOUT / "docs").glob("*.md"), *(CHECKOUT / "docs" / "tutorials").glob("*.md")]
    return [CHECKOUT / "README.md", *sorted(folders), *sorted(CHECKOUT.glob("*/*/README.md"))]


def blocks(page: Path) -> Iterator[list[str]]:
    """The commands of each block, without prompts, comments and the output that is shown of them."""
    for block in BLOCK.findall(page.read_text("utf-8")):
        lines = [line.strip() for line in block.replace("\\\n", " ").splitlines()]
        prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        prompts = any(re.match(r"(\w+)?[$>] ", line) for line in lines)
        typed = [re.split(r"\s#", line)[0].strip() for line in (prompted if prompts else lines)]
        if kept := [line for line in typed if line and not line.startswith("#")]:
            yield kept


def run(line: str, folder: Path) -> str:
    """What a command shows, on stdout and stderr; it must succeed. edgeq itself is called within this process."""
    words = shlex.split(line.replace("$PWD", str(folder)))
    if words[0] == "edgeq" and not SHELL.search(line):
        return succeeds(*words[1:]).out
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        ["bash", "-ec", line],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}"
    return done.stdout

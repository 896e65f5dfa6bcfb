"""Programs that edgeq starts end with it, and so does what they start in turn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq import children

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="there is no /proc")

FAMILY = """
import os, subprocess, sys, time
# One in a session of its own, as build programs start compilers.
words = [sys.executable, "-c", "import time; time.sleep(60)"]
others = [subprocess.Popen(words), subprocess.Popen(words, start_new_session=True)]
with open(sys.argv[1] + ".part", "w") as file:
    print(os.getpid(), *(p.pid for p in others), file=file)
os.rename(sys.argv[1] + ".part", sys.argv[1])
time.sleep(60)
"""
PARENT = """
import signal, sys
from pathlib import Path
# A shell ignores interrupts for what it starts in the background, and the ignoring is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
from edgeq import children
children.run([sys.executable, "-c", sys.argv[1], sys.argv[2]], cwd=None, environment={}, timeout=60)
"""


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def _alive(number: str) -> bool:
    """Whether a process is there; one that only waits for its parent to take note of its end is not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _gone(numbers: list[str]) -> bool:
    return not any(_alive(number) for number in numbers)


def test_what_takes_too_long_ends_with_all_it_started(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        children.run([sys.executable, "-c", FAMILY, str(tmp_path / "n")], cwd=None, environment={}, timeout=3)
    numbers = (tmp_path / "n").read_text().split()
    assert len(numbers) == 3
    _until(lambda: _gone(numbers))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGHUP], ids=lambda s: s.name)
def test_nothing_outlives_edgeq(number: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, FAMILY, tmp_path / "n"], stderr=subprocess.DEVNULL, env={**os.environ}
    ) as parent:
        _until((tmp_path / "n").is_file)
        numbers = (tmp_path / "n").read_text().split()
        assert len(numbers) == 3 and all(_alive(n) for n in numbers)
        parent.send_signal(number)
        parent.wait()
    _until(lambda: _gone(numbers))


def test_output_and_code() -> None:
    code = "import os, sys; print('out'); print('err', file=sys.stderr); sys.stdin.read(); sys.exit(3)"
    done = children.run([sys.executable, "-c", code], cwd=None, environment={}, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")
    assert not children.marked(f"{os.getpid()}-")

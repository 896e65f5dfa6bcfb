"""Programs on another computer, by OpenSSH: a real server on loopback, which this test starts."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from command_line import SINE, fails, succeeds
from ssh_server import NAME, Server, server

from edgeq import api
from edgeq.errors import ToolError
from edgeq.runners import RUNNERS, Job, ssh
from edgeq.target import RunnerSpec
from edgeq.toolchain.process import Finished

HERE = (platform.machine(),)
COPY = '#!/bin/sh\ncat "$2" "$2" >"$3"\necho \'edgeq: said there\' >&2\n'


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("ssh")) as running:
        yield running


def job(folder: Path, program: str = COPY, machines: tuple[str, ...] = HERE, timeout: float = 30) -> Job:
    (folder / "program.sh").write_text(program)
    (folder / "input").write_bytes(bytes(range(256)))
    return Job(folder / "program.sh", ("run", "input", "output"), folder, timeout=timeout, machines=machines)


def spec(there: Server, *options: str, host: str = NAME) -> RunnerSpec:
    return RunnerSpec("ssh", {"host": host, "options": (*options, "-F", str(there.config))})


def run(work: Job, where: RunnerSpec) -> tuple[int, str]:
    finished = RUNNERS["ssh"].run(work, where)
    return finished.code, finished.errors


def test_files_go_there_and_come_back(there: Server, tmp_path: Path) -> None:
    """Binary, through every shell; what the program says and its exit code too; nothing stays there."""
    rest = tmp_path / "rest"
    rest.mkdir()
    options = ("-o", f"SetEnv=TMPDIR={rest}")
    assert run(job(tmp_path), spec(there, *options)) == (0, "edgeq: said there\n")
    assert (tmp_path / "output").read_bytes() == 2 * bytes(range(256))
    assert run(job(tmp_path, "#!/bin/sh\nexit 3\n"), spec(there, *options)) == (3, "")
    assert run(job(tmp_path, "#!/bin/sh\nkill -11 $$\n"), spec(there, *options))[0] == -11
    assert list(rest.iterdir()) == []


def test_what_goes_wrong_there(there: Server, tmp_path: Path) -> None:
    def error(work: Job, where: RunnerSpec) -> ToolError:
        with pytest.raises(ToolError) as caught:
            run(work, where)
        assert caught.value.where == where.text("host")
        return caught.value

    wrong = error(job(tmp_path, machines=("armv7l",)), spec(there))
    assert wrong.message == f"is {HERE[0]}, and the program is for armv7l or armv8l or aarch64"
    found = error(job(tmp_path), spec(there, "-p", "1"))
    assert found.message == "cannot be reached: nothing listens there" and "ssh:" in found.hint
    found = error(job(tmp_path), spec(there, "-l", "nobody-of-this-name"))
    assert found.message == "cannot be reached: it refuses the login" and f"ssh-copy-id {NAME}" in found.hint
    found = error(job(tmp_path), spec(there, "-o", "UserKnownHostsFile=/dev/null"))
    assert found.message == "cannot be reached: its key is not known, or has changed"
    found = error(job(tmp_path), spec(there, host="no-such-computer.invalid"))
    assert found.message == "cannot be reached: its name is not known"
    found = error(job(tmp_path), spec(there, "-o", f"SetEnv=TMPDIR={tmp_path / 'absent'}"))
    assert found.message == "no folder can be made there for the program" and "absent" in found.hint
    found = error(job(tmp_path, "#!/no/such/loader\n"), spec(there))
    assert found.message == "the program cannot be started there"
    found = error(job(tmp_path, "#!/bin/sh\nsleep 60\n", timeout=1), spec(there))
    assert found.message == "the program did not end within 1 seconds"


def test_a_full_disk(tmp_path: Path) -> None:
    """The script itself, with a `tar` that finds no room."""
    (tmp_path / "tar").write_text("#!/bin/sh\necho 'tar: program: Cannot write: No space left on device' >&2\nexit 2\n")
    (tmp_path / "tar").chmod(0o755)
    work = job(tmp_path)
    script = ["sh", "-c", ssh.script(work)]
    ended = subprocess.run(
        script,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == ssh.NOT_COPIED and not list(tmp_path.glob("edgeq-*"))
    found = ssh.failure(Finished(ended.returncode, "", ended.stderr), work, NAME)
    assert found.message == "its disk is full" and "Cannot write" in found.hint and found.where == NAME


@pytest.mark.slow
def test_the_command_line(there: Server, tmp_path: Path) -> None:
    """run, verify and profile of a program for this machine; the options contradict others, or are wrong."""
    folder = tmp_path / "sine"
    succeeds("build", SINE, "--target", "host", "--output", folder)
    where = ("--host", NAME, "--ssh-options", there.options)
    checked = succeeds("verify", folder, *where, "--samples", "7", "--json").json
    assert checked["mismatches"] == 0 and checked["samples"] == 7
    x = np.linspace(0, 6, 5, dtype=np.float32).reshape(5, 1)
    here, elsewhere = api.run(folder, x), api.run(folder, x, host=NAME, ssh_options=there.options)
    assert all(np.array_equal(elsewhere[name], values) for name, values in here.items())
    costs = succeeds("profile", folder, *where, "--json").json
    assert costs["unit"] == "ns" and all(layer["p95_us"] >= layer["min_us"] for layer in costs["layers"])
    for wrong, message in (
        (("--host", "-oProxyCommand=x"), "is no computer"),
        (("--host", NAME, "--port", "COM3"), "--host is a computer"),
        (("--host", NAME, "--ssh-options", "'"), "cannot be read: No closing quotation"),
        (("--ssh-options", "-p 1"), "--ssh-options are about a computer"),
    ):
        assert message in fails(2, "verify", folder, *wrong)
    assert "nothing listens there" in fails(
        6, "verify", folder, "--host", NAME, "--ssh-options", f"-p 1 {there.options}"
    )

"""Programs for another computer, which is reached by OpenSSH's client; `~/.ssh/config` counts as it always does.

One connection does all: a tar archive with the program and its files goes there, another with the files that it wrote
comes back. There it needs a POSIX shell, `tar` and `mktemp`.
"""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path

from edgeq.errors import ToolError
from edgeq.packages import install_command
from edgeq.runners.runner import Job, Requirement, Runner
from edgeq.target import RunnerSpec
from edgeq.toolchain.process import Finished, last_lines
from edgeq.toolchain.process import run as run_process

INSTALL = install_command("openssh-client")
CONNECT_SECONDS = 15
BYTES_A_SECOND = 200_000
"""The slowest line that a program may take."""
NOT_CONNECTED, WRONG_MACHINE, NO_FOLDER, NOT_COPIED = 255, 91, 92, 94
"""Exit codes of ssh and of the script there, which tells the program's own in a file."""
NO_PROGRAM, NOT_EXECUTABLE, TOO_LONG, SIGNALS = 127, 126, 124, 128
CODE = "code"
RUNS = {
    "armv6l": ("armv6l", "armv7l", "armv8l", "aarch64"),
    "armv7l": ("armv7l", "armv8l", "aarch64"),
    "armv8l": ("armv7l", "armv8l", "aarch64"),
}
"""By what a program is for: the machines (`uname -m`) that may run it, where that is not only this kind."""
# One line, without single quotes and exclamation marks: every login shell hands it on as it is.
SCRIPT = (
    'm=$(uname -m); case " {machines} " in *" $m "*) ;; *) echo "$m" >&2; exit {wrong};; esac; '
    'd=$(mktemp -d "${{TMPDIR:-/tmp}}/edgeq-XXXXXX") || exit {no_folder}; '
    'trap "rm -rf \\"\\$d\\"" EXIT; trap "exit 1" HUP INT TERM PIPE; '
    'cd "$d" && tar xf - && cd work || exit {not_copied}; '
    't=""; command -v timeout >/dev/null 2>&1 && t="timeout {seconds}"; '
    "$t ../program {words} </dev/null >/dev/null; c=$?; rm -f {source}; "
    "echo $c >{code} && tar cf - . || exit {not_copied}"
)
REASONS = (
    (r"could not resolve", "its name is not known", "look for a typing error, or give its address"),
    (r"connection refused", "nothing listens there", "switch its SSH server on (raspi-config, Interface Options, SSH)"),
    (r"timed out|no route|unreachable", "it does not answer", "is it switched on, and in the same network?"),
    (r"host key verification failed", "its key is not known, or has changed", "connect once by hand: ssh {host}"),
    (
        r"permission denied",
        "it refuses the login",
        "edgeq asks for no password; leave your key there once: ssh-copy-id {host}",
    ),
)
"""What ssh says when it cannot connect, what that means, and what to do."""


def machines_for(machines: tuple[str, ...]) -> tuple[str, ...]:
    """The machines that run a target's programs, as `uname -m` calls them; any where the target does not tell."""
    return tuple(dict.fromkeys(other for name in machines for other in RUNS.get(name, (name,))))


def command(spec: RunnerSpec, script: str) -> list[str]:
    """The command that runs a shell script there. The user's own options come first, so that they count."""
    options = ("-T", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_SECONDS}")
    return ["ssh", *spec.texts("options"), *options, "--", spec.text("host"), f"sh -c '{script}'"]


def script(job: Job) -> str:
    """What is done there: check the machine, unpack, run, pack."""
    machines = " ".join(machines_for(job.machines)) or "$m"
    return SCRIPT.format(
        machines=machines,
        wrong=WRONG_MACHINE,
        no_folder=NO_FOLDER,
        not_copied=NOT_COPIED,
        seconds=round(job.timeout),
        words=" ".join(job.words),
        source=job.words[1],
        code=CODE,
    )


def _packed(job: Job, archive: Path) -> None:
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
        for path, name, mode in ((job.program, "program", 0o755), (job.folder / job.words[1], None, 0o644)):
            info = tarfile.TarInfo(name or f"work/{path.name}")
            info.size, info.mode = path.stat().st_size, mode
            with path.open("rb") as file:
                tar.addfile(info, file)


def _unpacked(archive: bytes, folder: Path, where: str) -> int:
    """Write what came back to a folder; returns the program's exit code. Nothing of it is written anywhere else."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                file = tar.extractfile(member) if member.isfile() and re.fullmatch(r"\w+", name) else None
                if file is not None:
                    files[name] = file.read()
        code = int(files.pop(CODE))
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise ToolError("what came back is no archive", hint="does its login print something?", where=where) from error
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return code


def _run(job: Job, spec: RunnerSpec) -> Finished:
    host = spec.text("host")
    there, back = job.folder / "there.tar", job.folder / "back.tar"
    _packed(job, there)
    seconds = job.timeout + 60 + there.stat().st_size / BYTES_A_SECOND
    finished = run_process(
        command(spec, script(job)), timeout=seconds, install=INSTALL, check=False, source=there, sink=back
    )
    if finished.code:
        raise failure(finished, job, host)
    code = _unpacked(back.read_bytes(), job.folder, host)
    if code in (NO_PROGRAM, NOT_EXECUTABLE):
        hint = f"{last_lines(finished.errors)}\nits system may have other C libraries, or a /tmp that runs nothing"
        raise ToolError("the program cannot be started there", hint=hint, where=host)
    if code == TOO_LONG:
        raise ToolError(f"the program did not end within {job.timeout:g} seconds", where=host)
    return Finished(SIGNALS - code if code > SIGNALS else code, "", finished.errors)


def failure(finished: Finished, job: Job, host: str) -> ToolError:
    """The error for a connection that failed, or a machine that cannot take the program."""
    said = last_lines(finished.errors)
    if finished.code == WRONG_MACHINE:
        machine = said.splitlines()[-1] if said else "another kind of machine"
        return ToolError(
            f"is {machine}, and the program is for {' or '.join(machines_for(job.machines))}",
            hint="build for its kind: edgeq targets lists those that there are",
            where=host,
        )
    if finished.code == NO_FOLDER:
        return ToolError("no folder can be made there for the program", hint=said, where=host)
    if finished.code == NOT_COPIED:
        full = "no space left" in said.lower()
        what = "its disk is full" if full else "the program cannot be copied there"
        return ToolError(what, hint=f"{said}\nfree some space in /tmp there" if full else said, where=host)
    if finished.code == NOT_CONNECTED:
        for pattern, meaning, hint in REASONS:
            if re.search(pattern, said, re.IGNORECASE):
                return ToolError(
                    f"cannot be reached: {meaning}", hint=f"{hint.format(host=host)}\nssh: {said}", where=host
                )
    return ToolError(f"ssh failed with exit code {finished.code}", hint=said, where=host)


def _requires(spec: RunnerSpec) -> tuple[Requirement, ...]:
    return (Requirement("ssh", INSTALL),)


RUNNER = Runner("ssh", frozenset(), _requires, _run)

"""An OpenSSH server on loopback for tests, with keys that are thrown away."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import needs

NAME = "board"
"""The name under which the client's configuration has the server."""


@dataclass(frozen=True)
class Server:
    """A server that runs; `options` make ssh know it as NAME, and take the right key."""

    folder: Path
    port: int

    @property
    def config(self) -> Path:
        """The client's configuration."""
        return self.folder / "ssh_config"

    @property
    def options(self) -> str:
        """Options of ssh."""
        return f"-F '{self.config}'"


def _key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A server for this user; the test is skipped where OpenSSH's server is absent."""
    needs.programs("ssh", "sshd")
    folder.chmod(0o700)
    for name in ("host_key", "user_key"):
        _key(folder / name)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # which a server of root's insists on
    port = _free_port()
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host_key'}\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {folder / 'authorized_keys'}\nStrictModes no\nPasswordAuthentication no\n"
        "PermitRootLogin yes\nAcceptEnv TMPDIR PATH\n"
    )
    known = (folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {known}")
    (folder / "ssh_config").write_text(
        f"Host {NAME}\n  HostName 127.0.0.1\n  Port {port}\n  User {getpass.getuser()}\n"
        f"  IdentityFile {folder / 'user_key'}\n  IdentitiesOnly yes\n  UserKnownHostsFile {folder / 'known_hosts'}\n"
    )
    sshd = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/sbin") or "sshd"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        for _ in range(100):
            with closing(socket.socket()) as probe:
                if process.poll() is not None or probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        assert process.poll() is None, (folder / "log").read_text()
        yield Server(folder, port)
    finally:
        process.terminate()
        process.wait()

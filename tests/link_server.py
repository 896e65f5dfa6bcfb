"""A host program that answers over a line, reached by TCP: each connection may be cut after some bytes."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path


class Server:
    """Passes bytes between the connection that was made last and a program's standard input and output.

    Attributes:
        port: the URL at which it is reached.
        room: how many bytes of the connection in use may still pass, in either direction; None: any number.
        mangle: what happens to bytes on their way to the program.
    """

    def __init__(self, words: Sequence[str | Path]) -> None:
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.room: int | None = None
        self.mangle: Callable[[bytes], bytes] = bytes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """End the program and the connections."""
        self._listener.close()
        self.process.kill()
        self.process.communicate()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._pass_on(connection)

    def _pass_on(self, connection: socket.socket) -> None:
        """Pass bytes on until either side ends, or as many have passed as may."""
        assert self.process.stdin is not None and self.process.stdout is not None
        to_program, from_program = self.process.stdin.fileno(), self.process.stdout.fileno()
        left = self.room
        try:
            while left is None or left > 0:
                ready, _, _ = select.select([connection, from_program], [], [], 10.0)
                for source in ready:
                    data = connection.recv(4096) if source is connection else os.read(from_program, 4096)
                    if not data:
                        return
                    kept = data[:left]
                    left = None if left is None else left - len(kept)
                    if source is connection:
                        os.write(to_program, self.mangle(kept))
                    else:
                        connection.sendall(kept)
        except OSError:
            return

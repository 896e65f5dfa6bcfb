"""What a flasher is: one way to get a program into a board and compare what is there afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from edgeq.target import RunnerSpec, Target


@dataclass(frozen=True)
class Image:
    """What goes into a board.

    Attributes:
        elf: the linked program.
        hex, bin, uf2: the same as Intel HEX, as the flash from its first byte on, and as UF2; None where there is none.
        extra: files that go to other addresses: weights that are apart from the program.
        parts: all that is loaded, by address, extra files too.
    """

    elf: Path
    hex: Path | None = None
    bin: Path | None = None
    uf2: Path | None = None
    extra: tuple[tuple[int, Path], ...] = ()
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What a flasher is to do.

    Attributes:
        image: what goes into the board.
        target: the board.
        spec: what the board's file says about this flasher.
        program: the program that it calls; empty where it needs none.
        port: the serial port, or the address of a server, that the user named; empty if none.
    """

    image: Image
    target: Target
    spec: RunnerSpec
    program: str = ""
    port: str = ""

    @property
    def origin(self) -> int:
        """The first address of the board's flash."""
        return self.target.memory["flash"].origin

    def setting(self, key: str, default: str) -> str:
        """What the board's file says, or what is usual."""
        return str(self.spec.settings.get(key, default))


@dataclass(frozen=True)
class Step:
    """A part of the work.

    Attributes:
        text: what it is, as one would type it where it is a command.
        command: the program and its arguments; empty where edgeq does it itself.
        action: what edgeq does. Raises ToolError if it fails.
        wrong: words in what the command prints that mean failure, whatever its exit code.
    """

    text: str
    command: tuple[str, ...] = ()
    action: Callable[[], None] | None = None
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flasher:
    """A row of the table of flashers.

    Attributes:
        kind: its name in boards' files; `edgeq.target.flashers` says what they hold about it.
        programs: names of the program that it calls, the first that is installed is taken; empty: it calls none.
        install: how one gets it.
        steps: what is done.
        verifies: whether what was written is read back and compared.
    """

    kind: str
    programs: tuple[str, ...]
    install: str
    steps: Callable[[Plan], tuple[Step, ...]]
    verifies: bool = True

"""Programs for microcontrollers in QEMU's system emulator: files and command line through semihosting."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from edgeq.target import Emulator

_QUIET = ("-display", "none", "-monitor", "none", "-serial", "none", "-parallel", "none")


def command(
    program: Path,
    emulator: Emulator,
    words: Sequence[str],
    exact_time: bool,
    files: Mapping[int, Path] = MappingProxyType({}),
) -> list[str]:
    """The command that runs `program` with arguments (which must not hold commas or spaces).

    Args:
        program: the ELF file.
        emulator: the machine to run it on.
        words: arguments.
        exact_time: let every instruction take one nanosecond of the emulated machine's time; slower.
        files: what is in memory before the program starts, by address.
    """
    arguments = ",".join(f"arg={word}" for word in ("edgeq", *words))
    counting = ("-icount", "shift=0") if exact_time else ()
    machine = [emulator.program, "-machine", emulator.machine, *emulator.args, *_QUIET, *counting]
    for address, path in sorted(files.items()):
        name = str(path).replace(",", ",,")  # a comma within a value
        machine += ["-device", f"loader,file={name},addr={address:#x},force-raw=on"]
    return [*machine, "-semihosting-config", f"enable=on,target=native,{arguments}", "-kernel", str(program)]


def function_at(program: Path, registers: str) -> str:
    """The function that the pc among `registers` ("name=value" …) is in, or an empty string."""
    found = re.search(r"\bpc=(0x[0-9a-f]+)", registers)
    if found is None:
        return ""
    pc = int(found[1], 16)
    try:
        with program.open("rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            for symbol in table.iter_symbols() if table else ():
                start = symbol["st_value"] & ~1
                if symbol["st_info"]["type"] == "STT_FUNC" and start <= pc < start + symbol["st_size"]:
                    return str(symbol.name)
    except (OSError, ELFError):
        pass
    return ""

"""Reading the report of a fault that firmware/platform/cores writes, whatever runs the program."""

from __future__ import annotations

import re
from pathlib import Path

from edgeq.runners.runner import Fault, Job
from edgeq.toolchain.process import Finished

EXIT_CODE = 100
"""Of a program that a fault has ended."""
_REPORT = re.compile(r"^edgeq: fault: (?P<cause>[^:]*): (?P<registers>.*)$", re.MULTILINE)


def reported_fault(job: Job, finished: Finished) -> Fault | None:
    """The fault that a program was stopped by, if it was."""
    report = _REPORT.search(finished.errors) if finished.code == EXIT_CODE else None
    if report is None:
        return None
    registers = report["registers"].strip()
    return Fault(report["cause"].strip(), function_at(job.program, registers), registers)


def function_at(program: Path, registers: str) -> str:
    """The function that the pc among `registers` ("name=value" …) is in, or an empty string."""
    counter = re.search(r"\bpc=(0x[0-9a-f]+)", registers)
    if counter is None:
        return ""
    from elftools.common.exceptions import ELFError  # rarely needed, and slow to import
    from elftools.elf.elffile import ELFFile

    pc = int(counter[1], 16)
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

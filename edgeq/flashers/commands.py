"""Flashers that are other people's programs: their command lines.

Each as the program's own documentation has it: pyocd.io (load, cmd), OpenOCD User's Guide (program), probe.rs
(download, reset), J-Link Commander (UM08001), STM32CubeProgrammer (UM2237), picotool's README, dfu-util(1), bossac.
"""

from __future__ import annotations

from pathlib import Path

from edgeq.errors import ToolError
from edgeq.flashers.flasher import Flasher, Plan, Step
from edgeq.packages import install_command
from edgeq.toolchain.process import shown


def _command(*words: str | Path, wrong: tuple[str, ...] = ()) -> Step:
    command = tuple(map(str, words))
    return Step(shown(command), command, wrong=wrong)


def _needed(path: Path | None, kind: str, plan: Plan) -> Path:
    """A form of the image that the build has to have made."""
    if path is None:
        raise ToolError(
            f"{plan.spec.kind} takes {kind} files, and this program has none",
            hint="take another --runner" if plan.target.vectors is not None else "build it again",
            where=plan.target.name,
        )
    return path


def _only_flash(plan: Plan) -> None:
    if plan.image.extra:
        raise ToolError(
            f"{plan.spec.kind} cannot write the file of weights, which is apart from the program",
            hint="take another --runner, or build it with --weights-in inline",
            where=plan.target.name,
        )


def _pyocd(plan: Plan) -> tuple[Step, ...]:
    image = plan.image
    own = ["--no-wait", "-t", plan.spec.text("target")]
    own += ["--pack", plan.setting("pack", "")] if "pack" in plan.spec.settings else []
    files = [str(image.elf), *(f"{path}@{address:#x}" for address, path in image.extra)]
    steps = [_command(plan.program, "load", *own, file) for file in files]
    compared = [*([(plan.origin, image.bin)] if image.bin else []), *image.extra]
    for address, path in compared:
        compare = f"compare {address:#x} {shown([path])}"
        steps.append(_command(plan.program, "cmd", *own, "-c", compare, "-c", "reset", wrong=("Mismatched byte",)))
    return tuple(steps)


def _openocd(plan: Plan) -> tuple[Step, ...]:
    words: list[str] = []
    for file in plan.spec.texts("config"):
        words += ["-f", file]
    image = plan.image
    for address, path in image.extra:
        words += ["-c", f"program {{{path}}} verify {address:#x}"]
    words += ["-c", f"program {{{image.elf}}} verify reset exit"]
    return (_command(plan.program, *words),)


def _probe_rs(plan: Plan) -> tuple[Step, ...]:
    chip = ["--chip", plan.spec.text("chip")]
    steps = [_command(plan.program, "download", "--verify", *chip, plan.image.elf)]
    for address, path in plan.image.extra:
        form = ["--binary-format", "bin", "--base-address", f"{address:#x}"]
        steps.append(_command(plan.program, "download", "--verify", *chip, *form, path))
    return (*steps, _command(plan.program, "reset", *chip))


def _jlink(plan: Plan) -> tuple[Step, ...]:
    """J-Link Commander reads its commands from a file."""
    image = plan.image
    hex = _needed(image.hex, "hex", plan)
    lines = ["r", f'loadfile "{hex}"', *(f'loadfile "{path}" {address:#x}' for address, path in image.extra)]
    compared = [*([(plan.origin, image.bin)] if image.bin else []), *image.extra]
    lines += [f'verifybin "{path}" {address:#x}' for address, path in compared]
    script = image.elf.with_suffix(".jlink")
    text = "\n".join([*lines, "r", "g", "q", ""])

    def write() -> None:
        script.write_text(text, "utf-8")

    command = _command(
        *(plan.program, "-NoGui", "1", "-ExitOnError", "1", "-AutoConnect", "1", "-Device", plan.spec.text("device")),
        *("-If", plan.setting("interface", "SWD"), "-Speed", "4000", "-CommandFile", script),
    )
    return Step(f"write {script.name}: {'; '.join(lines)}; r; g; q", action=write), command


def _stm32cubeprogrammer(plan: Plan) -> tuple[Step, ...]:
    hex = _needed(plan.image.hex, "hex", plan)
    words: list[str | Path] = ["-c", f"port={plan.setting('port', 'SWD')}", "mode=UR", "reset=HWrst"]
    for address, path in plan.image.extra:
        words += ["-w", path, f"{address:#x}", "-v"]
    return (_command(plan.program, *words, "-w", hex, "-v", "-rst"),)


def _picotool(plan: Plan) -> tuple[Step, ...]:
    _only_flash(plan)
    uf2 = _needed(plan.image.uf2, "UF2", plan)
    return (_command(plan.program, "load", "-f", "-v", "-x", uf2),)


def _dfu_util(plan: Plan) -> tuple[Step, ...]:
    """The boot loader of ST's chips; what was written is read back, which also starts it."""
    _only_flash(plan)
    binary = _needed(plan.image.bin, "bin", plan)
    back = binary.with_suffix(".back")
    address = int(str(plan.spec.settings.get("address", plan.origin)))
    own = ["-d", plan.spec.text("device"), "-a", plan.setting("alt", "0")]
    size = binary.stat().st_size if binary.is_file() else 0

    def compare() -> None:
        same = back.read_bytes() == binary.read_bytes()
        back.unlink()
        if not same:
            raise ToolError("what is in the board is not what was written", hint="flash it again", where="dfu-util")

    def clear() -> None:
        back.unlink(missing_ok=True)  # dfu-util does not overwrite

    return (
        _command(plan.program, *own, "-s", f"{address:#x}", "-D", binary),
        Step(f"remove {back.name} if it is there", action=clear),
        _command(plan.program, *own, "-s", f"{address:#x}:{size}:leave", "-U", back),
        Step(f"compare {back.name} with {binary.name}", action=compare),
    )


def _bossac(plan: Plan) -> tuple[Step, ...]:
    _only_flash(plan)
    binary = _needed(plan.image.bin, "bin", plan)
    port = [f"--port={plan.port.removeprefix('/dev/')}"] if plan.port else []
    offset = [f"--offset={plan.setting('offset', '')}"] if "offset" in plan.spec.settings else []
    return (_command(plan.program, *port, *offset, "-U", "-i", "-e", "-w", binary, "-R"),)


COMMANDS = (
    Flasher("pyocd", ("pyocd",), "pip install edgeq[flash]", _pyocd),
    Flasher("openocd", ("openocd",), install_command("openocd"), _openocd),
    Flasher("probe-rs", ("probe-rs",), "cargo install probe-rs-tools, or see https://probe.rs", _probe_rs),
    Flasher("jlink", ("JLinkExe", "JLink"), "J-Link Software, https://www.segger.com/downloads/jlink", _jlink),
    Flasher(
        "stm32cubeprogrammer",
        ("STM32_Programmer_CLI", "STM32_Programmer.sh"),
        "STM32CubeProgrammer, https://www.st.com/en/development-tools/stm32cubeprog.html",
        _stm32cubeprogrammer,
    ),
    Flasher("picotool", ("picotool",), "see https://github.com/raspberrypi/picotool", _picotool),
    Flasher("dfu-util", ("dfu-util",), install_command("dfu-util"), _dfu_util),
    Flasher("bossac", ("bossac",), install_command("bossa-cli"), _bossac, verifies=False),
)

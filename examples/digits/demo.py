"""The first minute: the digits network on two microcontrollers, a Raspberry Pi and this computer, and what it costs.

    python demo.py [--output FOLDER] [--samples N]

What no installed emulator runs is built but not run, and the table says so.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import edgeq
from edgeq.api.check import Built

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PI_MHZ = 1500
COLUMNS = ("on", "flash", "RAM", "every bit right", "instructions", "one image takes", "assumed")


@dataclass(frozen=True)
class Place:
    """What is built for.

    Attributes:
        name: as people call it.
        target: as edgeq does.
        emulators: programs or Python packages, one of which runs it; none are needed here.
    """

    name: str
    target: str
    emulators: tuple[str, ...] = ()


PLACES = (
    Place("Cortex-M4", "cortex-m4", ("qemu-system-arm", "unicorn")),
    Place("Cortex-M0+", "cortex-m0plus", ("qemu-system-arm", "unicorn")),
    Place("Raspberry Pi 4", "rpi4", ("qemu-aarch64",)),
    Place("this computer", "host"),
)


def duration(milliseconds: float) -> str:
    """A time in a unit that suits it."""
    return f"{milliseconds:.2g} ms" if milliseconds >= 0.1 else f"{1e3 * milliseconds:.2g} µs"


def cost(place: Place, folder: Path) -> list[str]:
    """What one inference takes: instructions, time, and the clock and cycles per instruction assumed for it."""
    if place.target != "rpi4":
        found = edgeq.profile(folder)
        if found["unit"] == "ns":
            return ["", duration(found["total"] / 1e6), "measured"]
        total, clock, cycles = found["total"], found["clock_mhz"], found["cpi"]
    else:  # what an emulator of user programs takes tells nothing of the time on a Pi: instructions do
        sys.path.append(str(ROOT))
        from benchmarks.instructions import count

        built = Built.read(folder)
        total = count(built.program.path, "digits_run", built.program.target, built.integers(built.random(1))).total
        clock, cycles = PI_MHZ, 1.0
    return [f"{total:,}", duration(1e-3 * cycles * total / clock), f"{clock:,g} MHz, {cycles:g} cycles each"]


def built_and_run(place: Place, model: Any, folder: Path, samples: int) -> tuple[list[str], dict[str, Any]]:
    """Build for one place and run it there.

    Returns:
        The cells of its row, and what `edgeq.verify` found; nothing, where it was not run.
    """
    print(f"{place.name}: generating C and compiling it", flush=True)
    options = edgeq.BuildOptions(model=HERE / "digits.onnx", target=place.target, output=folder)
    made = edgeq.build(options, model=model)
    cells = [place.name, *(f"{made[key] / 1000:.1f} kB" for key in ("flash_bytes", "ram_bytes"))]
    if place.emulators and not any(shutil.which(name) or find_spec(name) for name in place.emulators):
        return [*cells, "not run", f"{' or '.join(place.emulators)}", "is not", "installed"], {}
    print(f"{place.name}: running {samples} images, and comparing each bit with the simulator", flush=True)
    found = edgeq.verify(folder, HERE / "test.npz", samples)
    same = "yes" if not found["mismatches"] else f"no: {found['mismatches']} of {samples} images differ"
    return [*cells, same, *cost(place, folder)], found


def command() -> str:
    """How edgeq is called from here."""
    if shutil.which("edgeq"):
        return "edgeq"
    beside = Path(sys.executable).with_name("edgeq")
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("build/demo"))
    parser.add_argument("--samples", type=int, default=500, help="how many test images (500)")
    options = parser.parse_args()
    print("quantizing examples/digits/digits.onnx, by 200 images without labels", flush=True)
    model = edgeq.quantize(HERE / "digits.onnx", HERE / "calibration.npz")
    table = Table(box=None, padding=(0, 3, 0, 0))
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("on", "every bit right", "assumed") else "right")
    accuracy: dict[str, Any] = {}
    for place in PLACES:
        cells, found = built_and_run(place, model, options.output / place.target, options.samples)
        table.add_row(*cells)
        accuracy = accuracy or found
    shown = Console(width=150, highlight=False, soft_wrap=False)
    shown.print("\ndigits: images of 8 × 8 pixels → one of ten digits, by a network of four convolutions")
    shown.print(
        f"Right of {accuracy['samples']} images it never saw: {accuracy['top1_float']:.1f} % in floating point, "
        f"{accuracy['top1_int8']:.1f} % in the 8-bit integers of the generated C.\n"
    )
    shown.print(table)
    shown.print(
        "\nFlash is code and weights, RAM what the network needs while it runs. Instructions are counted in emulators; "
        "\ntimes follow from them. Next:\n"
    )
    where = options.output / "cortex-m4"
    for words, what in (
        (f"profile {where}", "what each layer costs"),
        (f"inspect {where} --memory", "what lies where in its RAM; beside it: the C"),
        ("init your_network.onnx", "your own: writes an edgeq.toml that says which samples it needs"),
    ):
        shown.print(f"  {command()} {words:<37} # {what}", soft_wrap=True)


if __name__ == "__main__":
    main()

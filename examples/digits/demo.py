"""Build the digits network for Cortex-M4, this machine and a Raspberry Pi, run it on test images, print the figures.

    python demo.py [--output FOLDER]

Where an emulator is not installed what it would run is built but not run.
"""

from __future__ import annotations

import argparse
import shutil
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.table import Table

import edgeq

HERE = Path(__file__).resolve().parent
COLUMNS = ("target", "compiler", "flash B", "RAM B", "mismatches", "top-1 float", "top-1 int8", "one inference")
TARGETS: dict[str, tuple[str, ...]] = {
    "cortex-m": ("qemu-system-arm", "unicorn"),
    "host": (),
    "raspberry-pi": ("qemu-aarch64",),
}
"""What is built for, and the emulators that run it: programs or Python packages, one of which is enough."""


def row(target: str, emulators: tuple[str, ...], output: Path) -> list[str]:
    """Build and verify for one target; the table's cells."""
    options = edgeq.BuildOptions(
        model=HERE / "digits.onnx", calibration=HERE / "calibration.npz", target=target, output=output / target
    )
    made = edgeq.build(options, step=lambda text: print(f"[{target}] {text}"))
    cells = [target, made["toolchain"], f"{made['flash_bytes']:,}", f"{made['ram_bytes']:,}"]
    if emulators and not any(shutil.which(name) or find_spec(name) for name in emulators):
        return [*cells, f"not run: {' or '.join(emulators)} is not installed", "", "", ""]
    print(f"[{target}] running all test images and comparing with the simulator")
    found = edgeq.verify(options.folder, HERE / "test.npz")
    emulated = "qemu-aarch64" in emulators  # whose time tells nothing
    cost = None if emulated else edgeq.profile(options.folder)
    return [
        *cells,
        f"{found['mismatches']} of {found['samples']}",
        f"{found['top1_float']:.2f} %",
        f"{found['top1_int8']:.2f} %",
        f"{cost['total']:,.0f} {cost['unit']}" if cost else "",
    ]


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("build/demo"))
    output = parser.parse_args().output
    table = Table(title="examples/digits", box=None)
    for column in COLUMNS:
        table.add_column(column)
    for target, emulators in TARGETS.items():
        table.add_row(*row(target, emulators, output))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()

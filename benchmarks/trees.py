"""Trees of scikit-learn on a Cortex-M0+, beside emlearn's C of the same model.

    pip install skl2onnx emlearn unicorn
    python -m benchmarks.trees [--trees 20] [--optimize O2]

A forest and boosted trees learn scikit-learn's digits, and are built for the core by edgeq, the forest by emlearn too
(it has no boosted trees). All is compiled by arm-none-eabi-gcc with the same options, linked without what is not
called, and run in Unicorn on every picture of the test set. Printed are the pictures that get scikit-learn's class,
instructions of a picture on average, and bytes of code and tables.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from elftools.elf.elffile import ELFFile

import edgeq
from edgeq.api.check import Built
from edgeq.ir.tensor import Array
from edgeq.toolchain.process import run

CODE, MEMORY, END = 0x10000, 0x20000000, 0x8000000
"""Where the program lies, its RAM, and where it returns to."""
GCC = ("arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb", "-ffunction-sections", "-fdata-sections")
PLACES = (f"-Wl,-Ttext={CODE:#x}", "-Wl,-Tdata=0x20000000", "-Wl,--gc-sections", "-nostartfiles", "-Wl,-e,entry")


@dataclass(frozen=True)
class Program:
    """A linked program whose entry takes pointers to a picture and to its result.

    Attributes:
        file: the ELF.
        flash: bytes of code, constants and initialized data.
    """

    file: Path
    flash: int


def linked(folder: Path, sources: Sequence[Path], includes: Sequence[Path], entry: str, level: str) -> Program:
    """Compile and link sources together with an entry.

    Raises:
        ToolError: the compiler is absent, or fails.
    """
    glue, made = folder / "entry.c", folder / "program.elf"
    glue.write_text(entry)
    options = [level, *(f"-I{place}" for place in includes)]
    run([*GCC, *options, *PLACES, glue, *sources, "-o", made], install="apt-get install gcc-arm-none-eabi")
    with made.open("rb") as file:
        kept = [s for s in ELFFile(file).iter_sections() if s["sh_flags"] & 2 and s["sh_type"] == "SHT_PROGBITS"]
        return Program(made, sum(section["sh_size"] for section in kept))


def executed(program: Program, pictures: Array) -> tuple[list[int], float]:
    """The class of each picture (samples, bytes), and instructions on average."""
    import unicorn
    from unicorn import arm_const

    core: Any = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    core.ctl_set_cpu_model(arm_const.UC_CPU_ARM_CORTEX_M0)
    core.mem_map(0, 1 << 20)
    core.mem_map(END, 1 << 12)
    core.mem_map(MEMORY, 1 << 17)
    with program.file.open("rb") as file:
        elf = ELFFile(file)
        start = elf.header["e_entry"]
        for segment in elf.iter_segments("PT_LOAD"):
            core.mem_write(segment["p_vaddr"], segment.data())
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    core.hook_add(unicorn.UC_HOOK_CODE, counted)
    picture, result, stack = MEMORY + 0x10000, MEMORY + 0x11000, MEMORY + 0x1F000
    found = []
    for row in pictures:
        core.mem_write(picture, row.tobytes())
        for register, value in (("R0", picture), ("R1", result), ("SP", stack), ("LR", END | 1)):
            core.reg_write(getattr(arm_const, f"UC_ARM_REG_{register}"), value)
        core.emu_start(start | 1, END)
        found.append(int.from_bytes(core.mem_read(result, 4), "little", signed=True))
    return found, count / len(pictures)


def of_edgeq(folder: Path, model: Any, learnt: Array, pictures: Array, level: str) -> tuple[list[int], float, int]:
    """Classes, instructions and bytes of edgeq's C of the class alone."""
    from skl2onnx import to_onnx

    file, built = folder / "trees.onnx", folder / "built"
    file.write_bytes(to_onnx(model, learnt[:1], target_opset=18).SerializeToString())
    np.savez(folder / "learnt.npz", x=learnt[:100])
    edgeq.build(
        edgeq.BuildOptions(
            file,
            "cortex-m0plus",
            output=built,
            calibration=folder / "learnt.npz",
            outputs=("output_label",),
            compile=False,
        )
    )
    sources = [*(built / "src").glob("*.c"), *(built / "kernels").glob("ref/*.c")]
    entry = """#include "trees.h"
static _Alignas(TREES_ARENA_ALIGNMENT) unsigned char arena[TREES_ARENA_BYTES];
void entry(const int8_t *picture, int32_t *result)
{
    (void)trees_run(arena, picture, result);
}
"""
    program = linked(folder, sources, (built / "include", built / "kernels" / "include"), entry, level)
    integers = Built.read(built).graph.type("X").holding(pictures.astype(np.float32))
    return *executed(program, integers), program.flash


def of_emlearn(
    folder: Path, model: Any, pictures: Array, method: str, dtype: str, level: str
) -> tuple[list[int], float, int]:
    """The same of emlearn's, with one of its methods."""
    import emlearn

    place = Path(emlearn.__file__).parent
    emlearn.convert(model, method=method, dtype=dtype).save(file=str(folder / "peer.h"), name="peer")
    entry = f"""#include "peer.h"
void entry(const {dtype} *picture, int32_t *result)
{{
    *result = peer_predict(picture, 64);
}}
"""
    program = linked(folder, (), (folder, place.parent, place), entry, level)
    return *executed(program, pictures.astype(dtype.removesuffix("_t"))), program.flash


Measured = tuple[list[int], float, int]
"""Classes, instructions and bytes."""


def measures(model: Any, learnt: Array, pictures: Array, level: str) -> Iterator[tuple[str, Measured]]:
    """What each of the tools makes of a model, by name."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        yield "edgeq", of_edgeq(Path(folder), model, learnt, pictures, level)
    for method, dtype in (("inline", "int8_t"), ("loadable", "int16_t")) if hasattr(model, "oob_score") else ():
        with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
            yield f"emlearn {method}", of_emlearn(Path(folder), model, pictures, method, dtype, level)


def main() -> None:
    """Print the table."""
    from sklearn.datasets import load_digits
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.model_selection import train_test_split

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--trees", type=int, default=20, help="of the forest, and rounds of boosting")
    parser.add_argument("--optimize", default="O2", help="level of the compiler: O2, Os …")
    arguments = parser.parse_args()
    data, classes = load_digits(return_X_y=True)
    learnt, pictures, names, _ = train_test_split(data.astype(np.float32), classes, test_size=0.3, random_state=0)
    print(f"{'model':28} {'tool':16} {'same class':>12} {'instructions':>12} {'flash':>8}")
    for kind in (RandomForestClassifier, GradientBoostingClassifier):
        model = kind(n_estimators=arguments.trees, random_state=0).fit(learnt, names)
        expected = model.predict(pictures)
        for tool, (found, instructions, flash) in measures(model, learnt, pictures, f"-{arguments.optimize}"):
            same = f"{int((np.array(found) == expected).sum())} of {len(found)}"
            print(f"{kind.__name__:28} {tool:16} {same:>12} {instructions:12,.0f} {flash:8,}")


if __name__ == "__main__":
    main()

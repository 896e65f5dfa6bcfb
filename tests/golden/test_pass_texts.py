"""Every pass in text: a graph, a line `---`, and what the pass makes of it.

The cases are the files `passes/<pass>/*.txt`; docs/passes.md says how they are written. After an intended change,
`python tests/golden/test_pass_texts.py` writes what is below the line anew; look at the difference.
"""

from __future__ import annotations

import ast
import re
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pass_graphs import assert_same_float, assert_same_int

from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array, DType
from edgeq.ir.text import parse_graph, print_graph
from edgeq.ir.verify import verify
from edgeq.passes.pipeline import FINISHING_PASSES, FLOAT_PASSES, INTEGER_PASSES

FOLDER = Path(__file__).resolve().parent / "passes"
CASES = sorted(FOLDER.glob("*/*.txt"))
PASSES = {p.__name__: p for p in (*FLOAT_PASSES, *INTEGER_PASSES, *FINISHING_PASSES)}
LINE = "---\n"
_CONST = re.compile(r"^const %(\S+): (\w+)\[([\d,]*)\]", re.MULTILINE)
_VALUES = re.compile(r"^values %(\S+) = (.*)\n", re.MULTILINE)
_COMMENT = re.compile(r"^#.*\n", re.MULTILINE)


def _drawn(name: str, shape: tuple[int, ...], dtype: DType) -> Array:
    """Elements for a constant: the same for the same name, type and shape; real ones away from zero."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if dtype is DType.FLOAT32:
        return (rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)).astype(np.float32)
    low, high = (-1000, 1001) if dtype is DType.INT32 else (-127, 128)
    return rng.integers(low, high, shape).astype(dtype.numpy)


def read_graph(text: str) -> Graph:
    """The graph of a text with comments and lines `values %name = [...]`, which give elements of constants."""
    given: Mapping[str, object] = {m[1]: ast.literal_eval(m[2]) for m in _VALUES.finditer(text)}
    constants: dict[str, Array] = {}
    for match in _CONST.finditer(text):
        name, dtype = match[1], DType(match[2])
        shape = tuple(int(n) for n in match[3].split(",") if n)
        values = np.asarray(given[name], dtype.numpy) if name in given else _drawn(name, shape, dtype)
        constants[name] = values.reshape(shape)
    assert given.keys() <= constants.keys(), "values are given for a constant that there is not"
    return verify(parse_graph(_COMMENT.sub("", _VALUES.sub("", text)), constants))


def halves(case: Path) -> tuple[str, str]:
    """What is above the line of a case, and what is below."""
    above, _, below = case.read_text("utf-8").partition(LINE)
    return above, below


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.stem}")
def test_case(case: Path) -> None:
    above, below = halves(case)
    before = read_graph(above)
    after = PASSES[case.parent.name](before)
    assert print_graph(after) == below
    assert print_graph(before) != below, "a case shows something that the pass does"
    (assert_same_float if before.numerics is None else assert_same_int)(before, after)


def test_every_pass_of_the_pipeline_has_a_case() -> None:
    """One at each stage that it runs in; and no case is of another pass."""
    stages = {(case.parent.name, read_graph(halves(case)[0]).numerics is None) for case in CASES}
    assert stages >= {(p.__name__, True) for p in FLOAT_PASSES} | {(p.__name__, False) for p in INTEGER_PASSES}
    assert {name for name, _ in stages} <= PASSES.keys()


if __name__ == "__main__":
    for case in CASES:
        above, _ = halves(case)
        after = print_graph(PASSES[case.parent.name](read_graph(above)))
        case.write_text(f"{above}{LINE}{after}", encoding="utf-8", newline="\n")

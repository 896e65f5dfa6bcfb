"""Float16 numbers as kernels widen them, with integer instructions or the processor's own for it: every subnormal one,
and some of each exponent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from c_program import calls
from cases import PLAIN, Case, add_halves
from test_op_kernels import run_on_core, run_on_host

from edgeq.ir.graph import GraphEditor
from edgeq.ir.tensor import DType, TensorType
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.gather import Gather
from edgeq.target import load_target

COLUMNS = 128


def halves() -> Case:
    """An embedding of a table with these numbers, of which every row is looked up."""
    subnormal = np.arange(0x400, dtype=np.uint16)
    fractions = np.concatenate([[0, 1, 0x1FF, 0x200, 0x3FF], np.arange(7, 0x400, 38)[:27]]).astype(np.uint16)
    regular = (np.arange(1, 31, dtype=np.uint16)[:, None] << 10 | fractions).ravel()
    positive = np.concatenate([subnormal, regular, np.zeros(-(len(subnormal) + len(regular)) % COLUMNS, np.uint16)])
    table = np.concatenate([positive, positive | 0x8000]).astype(np.uint16).view(np.float16).reshape(-1, COLUMNS)
    editor = GraphEditor("case")
    places = np.arange(len(table), dtype=np.int32)
    x = editor.input("x0", TensorType(places.shape, DType.INT32))
    types = [TensorType((len(table), COLUMNS))]
    editor.outputs = list(editor.add(Gather(0), [add_halves(editor, "table", table), x], "node", types=types))
    editor.numerics = Numerics.FAST
    return Case(f"Gather/halves/{PLAIN}/fast", editor.finish(), {x: places})


def test_halves_are_widened_exactly(tmp_path: Path) -> None:
    case = halves()
    table = case.operands[0]
    assert table is not None and np.isfinite(table).all() and len(np.unique(table.view(np.uint16))) == 2 * (1024 + 960)
    bits = table.astype(np.float32).view(np.uint32)
    np.testing.assert_array_equal(case.expected[0].view(np.uint32), bits)  # of zero the sign, too
    wanted = calls([case], load_target("host").isa)
    assert [call.function for call in wanted] == ["eq_embed_stored_ref"]
    assert run_on_host(tmp_path, wanted) == []


@pytest.mark.slow
@pytest.mark.qemu
def test_a_processor_widens_them_alike(tmp_path: Path) -> None:
    assert run_on_core(tmp_path, "cortex-m4", "gcc", (halves(),)) == []

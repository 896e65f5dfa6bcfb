"""The tables of the instruction sets: their order, and that each row is where it belongs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import edgeq.kernels
from edgeq.errors import InternalError
from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Op, registry
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.isa import with_implied
from edgeq.kernels import SETS, rows
from edgeq.kernels._shared.site import op_of
from edgeq.kernels.choice import Wanted
from edgeq.ops.add import Add
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.requantize import Requantize
from edgeq.ops.sub import Sub
from edgeq.resources import folder
from edgeq.target import load_target

FIRMWARE = folder("firmware")
SEVERAL = {"thumb": {"thumb", "thumb2"}}
"""Sets with more than one folder below firmware/kernels, which are also the features that their rows need."""
NAMED = {"x86": {"avx2", "avx-vnni", "avx512-vnni"}, "neon": {"neon", "dotprod"}, "dsp": {"simd32"}}
"""Sets with features of other names than their folders."""


def folders(name: str) -> set[str]:
    """The folders below firmware/kernels with the sources of a set."""
    return SEVERAL.get(name, {name})


def rows_of(name: str) -> list[Kernel]:
    """All rows of a set."""
    return [row for table in SETS[name].values() for row in table]


def set_of(row: Kernel) -> str:
    """The set of a row; "" for a portable one."""
    return next((name for name in SETS if row in rows_of(name)), "")


def test_order() -> None:
    """A set comes before those whose instructions every core has that has its own."""
    asked = [with_implied(feature for row in rows_of(name) for feature in row.isa) for name in SETS]
    assert list(SETS)[:2] == ["cmsis_nn", "esp_nn"]
    for position, later in enumerate(asked[2:], 2):
        assert not any(earlier < later for earlier in asked[2:position]), list(SETS)[position]
    assert [name for name in SETS if name in ("mve", "dsp", "thumb")] == ["mve", "dsp", "thumb"]


@pytest.mark.parametrize("op", registry().values())
def test_rows_of_an_operator_are_in_the_order_of_the_sets(op: type[Op]) -> None:
    order = [*SETS, ""]
    positions = [order.index(set_of(row)) for row in rows(op)]
    assert positions == sorted(positions)
    assert rows(op)[len(rows(op)) - len(op.kernels) :] == op.kernels


def test_every_folder_is_a_set() -> None:
    package = Path(edgeq.kernels.__file__).parent
    assert {path.parent.name for path in package.glob("[!_]*/__init__.py")} == set(SETS)


@pytest.mark.parametrize("name", SETS)
def test_tables_are_of_operators(name: str) -> None:
    """A class that no operator is or derives from would have its rows for nothing."""
    known = {base for op in registry().values() for base in op.__mro__}
    assert set(SETS[name]) <= known
    assert all(SETS[name].values())


@pytest.mark.parametrize("name", SETS)
def test_rows_name_what_is_in_their_folders(name: str) -> None:
    for row in rows_of(name):
        for source in row.sources:
            assert (FIRMWARE / "kernels" / source).is_file(), row.function
            assert Path(source).parent.name in folders(name), row.function
        header = (FIRMWARE / "include" / row.header).read_text("utf-8")
        stem, _, own = row.function.rpartition("_")
        by_macro = f"{stem}_##set(" in header and f"_DECLARE({own})" in header
        assert row.function in header or by_macro, row.function


@pytest.mark.parametrize("name", SETS)
def test_every_source_is_named_by_a_row(name: str) -> None:
    sources = {f"{place}/{path.name}" for place in folders(name) for path in (FIRMWARE / "kernels" / place).glob("*.c")}
    assert sources == {source for row in rows_of(name) for source in row.sources}


@pytest.mark.parametrize("name", SETS)
def test_rows_need_their_set(name: str) -> None:
    """Rows of another library say so; those of edgeq's own need the instructions that their set is named after."""
    for row in rows_of(name):
        if name in ("cmsis_nn", "esp_nn"):
            assert row.library == name.replace("_", "-")
        else:
            assert row.library == "edgeq"
            assert row.isa and row.isa <= NAMED.get(name, folders(name))


def test_operators_have_portable_rows() -> None:
    for kind, op in registry().items():
        assert op.is_view or op.kernels, kind
        for row in op.kernels:
            assert (row.isa, row.lacks, row.library, set_of(row)) == (frozenset(), frozenset(), "edgeq", ""), kind
            assert {Path(source).parent.name for source in row.sources} == {"ref"}, kind


def test_rows_of_a_base_class_serve_all_its_operators() -> None:
    functions = [{row.function for row in rows(op) if DType.INT8 in row.elements} for op in (Add, Sub)]
    assert functions[0] - functions[1] == {"eq_add_cmsis_nn", "eq_add_esp_nn"}
    assert not functions[1] - functions[0]
    assert "eq_add_dsp_fast" in functions[1]


@pytest.mark.parametrize(("moved", "function"), [(128, "eq_flip_ref"), (0, "eq_table_mve")])
def test_turning_sign_bits_is_left_to_the_portable_kernel(moved: int, function: str) -> None:
    x = TensorType((1, 5), DType.UINT8, QParams.per_tensor(0.5, 128))
    y = TensorType((1, 5), DType.INT8, QParams.per_tensor(0.5, 128 - moved))
    row = Wanted(load_target("cortex-m55").isa).choose(Site("node", Requantize(), (x,), (y,), (None,)))
    assert row is not None and row.function == function


def test_row_under_another_operator() -> None:
    x = TensorType((1, 5), DType.INT8, QParams.per_tensor(0.5, 0))
    site = Site("node", Requantize(), (x,), (x,), (None,))
    assert op_of(site, Requantize) is site.op
    with pytest.raises(InternalError, match="a kernel of Conv2D was asked about Requantize"):
        op_of(site, Conv2D)
    assert len(rows(FullyConnected)) > len(FullyConnected.kernels)


def test_operators_do_not_need_the_kernels() -> None:
    """What only reads or changes a graph does not import them."""
    program = "import sys; from edgeq.ir.op import registry; registry(); print('edgeq.kernels' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

"""Normalization in integers: how near it is to the real numbers, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.errors import QuantizationError
from edgeq.ir.graph import GraphEditor
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.numerics.fixedpoint import Ints, Numerics
from edgeq.numerics.normalization import MAX_COUNT, inverse_root, leading, normalization
from edgeq.ops._normalize import Normalize
from edgeq.ops.group_norm import GroupNorm
from edgeq.ops.instance_norm import InstanceNorm
from edgeq.ops.l2_norm import L2Norm
from edgeq.ops.layer_norm import LayerNorm
from edgeq.ops.rms_norm import RMSNorm
from edgeq.resources import folder
from edgeq.simulator import run_int
from edgeq.toolchain.process import run

PROGRAM = """
#include <stdio.h>
#include "eq/normalize.h"
int main(void)
{
    for (uint32_t m = 1U << 20; m < 1U << 22; m++) {
        const int32_t root = eq_inverse_root(m);
        fwrite(&root, sizeof root, 1, stdout);
    }
    return 0;
}
"""


def every_mantissa() -> Ints:
    return np.arange(2**20, 2**22, dtype=np.int64)


def test_the_inverse_root_is_exact_and_falls() -> None:
    m = every_mantissa()
    root = inverse_root(m)
    assert (root**2 * m <= 2**62).all() and ((root + 1) ** 2 * m > 2**62).all()
    assert (np.diff(root) <= 0).all() and (root[0], root[-1]) == (2**21, 2**20)


@pytest.mark.parametrize("optimize", ["-O0", "-O3"])
def test_c_gives_the_same_roots(optimize: str, tmp_path: Path) -> None:
    source, program, taken = tmp_path / "root.c", tmp_path / "root", tmp_path / "out"
    source.write_text(PROGRAM)
    include = f"-I{folder('firmware') / 'include'}"
    run(["gcc", "-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", optimize, include, source, "-o", program])
    run(["sh", "-c", f"'{program}' > '{taken}'"])
    np.testing.assert_array_equal(np.fromfile(taken, np.int32), inverse_root(every_mantissa()))


def test_leading_bits() -> None:
    w = np.array([0, 1, 2, 2**20, 2**22 - 1, 2**22, 2**61 + 5, 2**62 - 1], np.int64)
    m, e = leading(w)
    assert ((m >= 2**20) & (m < 2**22)).all()
    assert e.tolist() == [-10, -10, -10, 0, 0, 1, 20, 20]
    assert (m.tolist()[3], m.tolist()[-1]) == (2**20, 2**22 - 1)


def one_node(
    op: Normalize, shape: tuple[int, ...], s: float, zero: int, y: QParams, *constants: np.ndarray
) -> GraphEditor:
    editor = GraphEditor("one")
    x = editor.input("x", TensorType(shape, DType.INT8, QParams.per_tensor(s, zero)))
    names = [editor.constant(f"c{k}", c.astype(np.float32)) for k, c in enumerate(constants)]
    editor.outputs = list(editor.add(op, [x, *names], "y", types=[TensorType(shape, DType.INT8, y)]))
    return editor


def error(op: Normalize, q: np.ndarray, s: float, zero: int, *constants: np.ndarray) -> float:
    """How far the integers are from the real numbers at most, in steps of an output that holds all of them."""
    centred = q.astype(np.int64) - (q.sum(axis=-1, keepdims=True) / q.shape[-1] if op.centred else zero)
    square = (centred**2).mean(axis=-1, keepdims=True) * np.float64(np.float32(s)) ** 2
    size = np.sqrt(square + op.epsilon)
    if isinstance(op, L2Norm):
        size = np.maximum(np.sqrt(square * q.shape[-1]), op.epsilon)
    real = np.divide(centred * np.float64(np.float32(s)), size, out=np.zeros(q.shape), where=size > 0)
    real = real * constants[0].astype(np.float32) + constants[1].astype(np.float32)
    low, high = min(float(real.min()), 0.0), max(float(real.max()), 0.0)
    step = float(np.float32((high - low) / 255 or 1.0))
    y = QParams.per_tensor(step, int(np.clip(np.rint(-128 - low / step), -128, 127)))
    editor = one_node(op, q.shape, s, zero, y, *constants)
    editor.numerics = Numerics.FAST
    found = run_int(editor.finish(), {"x": q})["y"]
    return float(np.abs(found - np.clip(real / y.s + y.zp, -128, 127)).max())


@pytest.mark.parametrize("kind", [LayerNorm, RMSNorm, L2Norm])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 16, 33, 64, 100, 768, 4096, 50_000])
def test_within_half_a_step(kind: type[LayerNorm], count: int) -> None:
    """Rows of all sizes, up to single steps apart and up to both ends of int8; scales and epsilons of all sizes."""
    rng = np.random.default_rng(count)
    for epsilon in (0.0, 1e-12, 1e-5, 1e-3, 1.0):
        for s in (1e-4, 0.02, 3.0):
            spread = np.exp(rng.uniform(-3.0, 5.0, (12, 1)))
            q = np.clip(np.rint(rng.normal(rng.uniform(-99, 99, (12, 1)), spread, (12, count))), -128, 127)
            q[0], q[1], q[2] = 5, q[1, :1], np.where(np.arange(count) % 2, 127, -128)
            q[1, 0] += 1 if q[1, 0] < 127 else -1  # a single element is not as the others
            scale, bias = rng.normal(0.0, 1.0, count) * np.exp(rng.uniform(-4, 4)), rng.normal(0.0, 1.0, count)
            apart = error(kind(epsilon, axis=1), q.astype(np.int8), s, int(rng.integers(-128, 128)), scale, bias)
            assert apart <= 0.51, (epsilon, s)


def test_a_set_without_differences_gives_the_bias() -> None:
    q, bias = np.full((3, 8), 77, np.int8), np.linspace(-1, 1, 8)
    assert error(LayerNorm(0.0, axis=1), q, 0.1, 3, np.full(8, 9.0), bias) <= 0.5001


@pytest.mark.parametrize(
    ("epsilon", "scale", "offset"),
    [(np.inf, 1.0, 0.0), (1e60, 1.0, 0.0), (0.0, 1e12, 0.0), (0.0, np.nan, 0.0), (0.0, 1.0, 1e12)],
)
def test_parameters_out_of_all_proportion(epsilon: float, scale: float, offset: float) -> None:
    with pytest.raises(QuantizationError, match="scale, offset, epsilon and the scales of input and output"):
        normalization(16, epsilon, (15, 16**2 * 16257), np.array([scale]), np.array([offset]))


def test_too_many_elements_are_refused() -> None:
    with pytest.raises(ValueError, match=f"1 to {MAX_COUNT} can be"):
        LayerNorm(1e-5, axis=1).out_shapes([(1, 1024, 1025)])
    with pytest.raises(ValueError, match="6 channels cannot be split into 4 groups"):
        GroupNorm(1e-5, groups=4).out_shapes([(1, 3, 3, 6)])
    with pytest.raises(ValueError, match="needs an input"):
        InstanceNorm(1e-5).out_shapes([(4,)])

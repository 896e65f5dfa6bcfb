"""Tables of operators on one tensor."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.ir.op import registry
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.numerics import lut
from edgeq.numerics.fixedpoint import Numerics
from edgeq.numerics.lut import Affine
from edgeq.ops._requant import output_range
from edgeq.ops._table import TableOp
from edgeq.ops.clip import Clip
from edgeq.ops.leaky_relu import LeakyRelu
from edgeq.ops.log import Log
from edgeq.ops.neg import Neg
from edgeq.ops.pow import Pow
from edgeq.ops.rsqrt import Rsqrt
from edgeq.ops.sigmoid import Sigmoid
from edgeq.ops.sqrt import Sqrt

UNIT = Affine(1.0, 0)


def test_halves_are_rounded_to_even() -> None:
    table = lut.build(lambda x: x / 2, UNIT, UNIT)
    assert [int(table[128 + q]) for q in (-3, -1, 1, 3, 5)] == [-2, 0, 0, 2, 2]


def test_litert_rounds_halves_away_from_zero() -> None:
    table = lut.build_litert(lambda x: x / 2, UNIT, UNIT)
    assert [int(table[128 + q]) for q in (-3, -1, 1, 3, 5)] == [-2, -1, 1, 2, 3]


def test_infinities_saturate_and_nan_is_what_the_operator_says() -> None:
    table = lut.build(lambda x: np.where(x < 0, np.nan, x * np.inf), UNIT, UNIT, undefined=7.0)
    assert table[0] == 7
    assert table[255] == 127


def test_the_byte_is_the_index() -> None:
    table = lut.by_byte(lut.saturate(lut.inputs()))
    for q in (-128, -1, 0, 1, 127):
        assert table[np.int8(q).view(np.uint8)] == q


def test_round_half_away_keeps_float32_exact() -> None:
    x = np.array([0.5, -0.5, 0.49999997, 1.5, -2.5, 8388609.0], np.float32)
    assert lut.round_half_away(x).tolist() == [1.0, -1.0, 0.0, 2.0, -3.0, 8388609.0]


def test_litert_without_change_of_scale_is_the_identity() -> None:
    q = Affine(float(np.float32(0.037)), -11)
    assert np.array_equal(lut.build_litert(lambda x: x, q, q), lut.inputs())


@pytest.mark.parametrize("kind", sorted(k for k, op in registry().items() if issubclass(op, TableOp) and op is not Neg))
def test_litert_is_close_to_the_exact_table(kind: str) -> None:
    """Inputs from 0.05 on, where all of them are defined. Sqrt truncates, HardSwish has 16 bits."""
    op = registry()[kind]
    sample = op.samples()[0].op
    assert isinstance(sample, TableOp)
    x, y = Affine(0.02, -128), Affine(0.05, -100)
    difference = np.abs(sample.table(x, y).astype(int) - sample.litert_table(x, y))
    assert difference[3:].max() <= 1


def test_sigmoid_has_the_whole_range() -> None:
    table = Sigmoid().table(Affine(0.1, 0), Affine(1 / 256, -128))
    assert (table[0], table[128], table[255]) == (-128, 0, 127)
    assert np.all(np.diff(table.astype(int)) >= 0)


def test_values_outside_a_domain() -> None:
    x, y = Affine(0.1, 0), Affine(0.1, 0)
    assert set(Log().table(x, y)[:129]) == {-128}
    assert set(Rsqrt().table(x, y)[:129]) == {127}
    assert set(Sqrt().table(x, y)[:129]) == {0}
    assert set(Pow(0.5).table(x, y)[:128]) == {0}


@pytest.mark.parametrize("numerics", Numerics)
def test_a_clip_without_change_of_scale_clamps(numerics: Numerics) -> None:
    """A clip equals the same clip fused into its producer."""
    q = QParams.per_tensor(0.047, -31)
    type = TensorType((256,), DType.INT8, q)
    op = Clip(-0.5, 6.0)
    table = op.site_table(Site("n", op, (type,), (type,), (None,), numerics))
    assert np.array_equal(table, np.clip(lut.inputs(), *output_range(q, (-0.5, 6.0))))


def test_leaky_relu_keeps_the_sign_of_a_negative_slope() -> None:
    op, x, y = LeakyRelu(-0.5), Affine(0.1, 0), Affine(0.1, 0)
    for table in (op.table(x, y), op.litert_table(x, y)):
        assert (table[128 - 100], table[128 + 100]) == (50, 100)


def test_litert_negates_bytes() -> None:
    table = Neg(stored=True).litert_table(Affine(0.1, 5), Affine(0.2, -7))
    assert (table[0], table[1], table[255]) == (-128, 127, -127)
    table = Neg().litert_table(Affine(0.1, 5), Affine(0.1, -7))
    assert (table[0], table[128], table[255]) == (126, -2, -128)


def test_bounds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match=r"lower bound 2\.0 is above the upper bound 1\.0"):
        Clip(2.0, 1.0).out_shapes([(3,)])


def test_run_float_follows_numpy_outside_a_domain() -> None:
    x = np.array([-1.0, 0.0, 4.0], np.float32)
    (y,) = Log().run_float([x])
    assert y.dtype == np.float32
    assert np.isnan(y[0]) and np.isneginf(y[1]) and y[2] == np.float32(np.log(4))

"""Traits: every operator takes a stand on each, and what it promises holds on its samples.

The tests go through the registry, so that an operator is tested by stating something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

import numpy as np
import pytest
from cases import PLAIN, Case, dequantized, generator, of_operator

from edgeq.ir.kernel import BYTES
from edgeq.ir.op import Op, registry
from edgeq.ir.quant_rule import Index
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, QParams, Shape, TensorType
from edgeq.ir.traits import NO_CLAMP, TRAITS, Affine, Monotone, Pattern, Trait, channels, inverse, permuted
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.average_pool2d import AveragePool2D
from edgeq.ops.clip import Clip
from edgeq.ops.max_pool2d import MaxPool2D
from edgeq.ops.pad import Pad
from edgeq.ops.requantize import Requantize

KINDS = sorted(registry())
INF = float("inf")


def open_traits(kind: type[Op]) -> list[Trait]:
    """Traits that an operator neither states nor declines, or both."""
    families = [base for base in kind.__mro__ if issubclass(base, Op) and base is not Op]
    stated = {trait for trait in TRAITS if any(trait in vars(base) for base in families)}
    return [trait for trait in TRAITS if (trait in stated) == (trait in kind.declines)]


def stating(trait: Trait) -> list[str]:
    """The operators that do not decline a trait."""
    return [kind for kind in KINDS if trait not in registry()[kind].declines]


@cache
def cases(kind: str) -> tuple[Case, ...]:
    """All cases of an operator."""
    return tuple(of_operator(kind))


def samples(kind: str, promises: Callable[[Case], bool] = lambda case: True) -> list[Case]:
    """One case for every sample of an operator that promises something; there are some."""
    plain = [case for case in cases(kind) if case.name.endswith(f"/{PLAIN}/{Numerics.FAST.value}")]
    chosen = [case for case in plain if promises(case)]
    assert chosen, f"no sample of {kind} tries what it states"
    return chosen


def computed(case: Case) -> list[int]:
    """Positions of operands that are not constant."""
    return [k for k, data in enumerate(case.operands) if data is not None and case.site.const_or_none(k) is None]


def run(site: Site, operands: list[Array | None], op: Op | None = None) -> tuple[Array, ...]:
    """An operator on operands of any shapes, in the quantization of a site."""
    types = [
        None if t is None or x is None else t.reshaped(x.shape) for t, x in zip(site.inputs, operands, strict=True)
    ]
    consts = [x if site.const_or_none(k) is not None or k >= len(site.consts) else None for k, x in enumerate(operands)]
    op = op or site.op
    shapes = op.out_shapes([None if t is None else t.shape for t in types])
    outputs = tuple(t.reshaped(s) for t, s in zip(site.outputs, shapes, strict=True))
    return op.run(replace(site, op=op, inputs=tuple(types), outputs=outputs, consts=tuple(consts)), operands)


def elements(type: TensorType, rng: np.random.Generator) -> Array:
    """Any elements of a type."""
    if type.dtype.is_float:
        return rng.normal(0.0, 8.0, type.shape).astype(np.float32)
    return rng.integers(*type.dtype.range, type.shape, type.dtype.numpy, endpoint=True)


def drawn(case: Case, rng: np.random.Generator) -> list[Array | None]:
    """Other elements for the computed operands; indices stay."""
    return [
        elements(t, rng) if k in computed(case) and t and not t.is_whole else x
        for k, (x, t) in enumerate(zip(case.operands, case.site.inputs, strict=True))
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_trait_is_stated_or_declined(kind: str) -> None:
    assert open_traits(registry()[kind]) == []
    assert registry()[kind].declines <= set(TRAITS)


def test_an_operator_that_says_nothing_is_found_out() -> None:
    @dataclass(frozen=True)
    class Silent(Op):
        pass

    @dataclass(frozen=True)
    class Both(Op):
        declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)
        monotone: ClassVar[Monotone] = Monotone.RISING

    assert open_traits(Silent) == list(TRAITS)
    assert open_traits(Both) == ["monotone"]


def test_every_trait_is_stated_by_some_operator() -> None:
    declined = [registry()[kind].declines for kind in KINDS]
    assert [trait for trait in TRAITS if all(trait in d for d in declined)] == []


# pattern


def with_pattern(*patterns: Pattern) -> list[str]:
    return [kind for kind in KINDS if registry()[kind].pattern in patterns]


def with_growth(monotone: Monotone) -> list[str]:
    return [kind for kind in KINDS if registry()[kind].monotone is monotone]


@pytest.mark.parametrize("kind", with_pattern(Pattern.ELEMENTWISE))
def test_elementwise(kind: str) -> None:
    """The same elements in any order, side by side, give the same results in that order."""
    for case in samples(kind):
        (y,) = case.expected
        order = generator(f"order/{case.name}").permutation(y.size)
        operands = [None if x is None else np.broadcast_to(x, y.shape).ravel()[order] for x in case.operands]
        np.testing.assert_array_equal(run(case.site, operands)[0], y.ravel()[order], case.name)


def _is_bytes(case: Case) -> bool:
    return case.site.element_types[0] <= BYTES


@pytest.mark.parametrize("kind", with_pattern(Pattern.MOVEMENT, Pattern.REARRANGEMENT))
def test_movement(kind: str) -> None:
    """Other values at the same places are moved to the same places; constants stay."""
    for case in cases(kind):
        if any(t is not None and t.q != case.site.outputs[0].q for t in case.site.inputs) or not _is_bytes(case):
            continue  # what is converted on the way moves as its real values do; only bytes have a table
        table = generator(f"table/{case.name}").permutation(256).astype(np.uint8).view(np.int8)
        given = [None if x is None else table[x.view(np.uint8)] for x in case.operands]
        site = replace(case.site, consts=tuple(x if c is not None else None for x, c in zip(given, case.site.consts)))  # noqa: B905
        for before, after in zip(case.expected, site.op.run(site, given), strict=True):
            moved = table[before.view(np.uint8)] == after
            if site.op.pattern is Pattern.REARRANGEMENT:
                assert moved.all(), case.name
            assert (moved | (before == after)).all(), case.name
            assert moved.any(), case.name


@pytest.mark.parametrize("kind", with_pattern(Pattern.REARRANGEMENT))
def test_rearrangement(kind: str) -> None:
    """Every element of any type is there once."""
    for sample in registry()[kind].samples():
        x = np.arange(np.prod(sample.shapes[0]), dtype=np.int64).reshape(sample.shapes[0] or ())
        (y,) = sample.op.run_float([x])
        assert y.dtype == x.dtype and np.array_equal(np.sort(y.ravel()), x.ravel())


# monotone


@pytest.mark.parametrize("kind", with_growth(Monotone.RISING))
def test_rising(kind: str) -> None:
    for case in cases(kind):
        rng = generator(f"rising/{case.name}")
        for _ in range(3):
            pairs = [(a, b) for a, b in zip(drawn(case, rng), drawn(case, rng), strict=True)]
            low = [None if a is None or b is None else np.minimum(a, b) for a, b in pairs]
            high = [None if a is None or b is None else np.maximum(a, b) for a, b in pairs]
            for least, most in zip(case.node.op.run(case.site, low), case.node.op.run(case.site, high), strict=True):
                assert (least <= most).all(), case.name


@pytest.mark.parametrize("kind", with_growth(Monotone.PER_OPERAND))
def test_monotone_per_operand(kind: str) -> None:
    """Results are extreme where both operands are."""
    for case in cases(kind):
        op, rng = case.node.op, generator(f"corners/{case.name}")
        for _ in range(3):
            ends = [np.stack([x, y, z]) for x, y, z in zip(*(drawn(case, rng) for _ in range(3)), strict=True)]
            (low, inside, high) = ([np.sort(e, axis=0)[k] for e in ends] for k in range(3))
            corners = [op.run(case.site, [a, b])[0] for a in (low[0], high[0]) for b in (low[1], high[1])]
            (y,) = op.run(case.site, inside)
            assert (np.minimum.reduce(corners) <= y).all() and (y <= np.maximum.reduce(corners)).all(), case.name


# linear


@pytest.mark.parametrize("kind", stating("linear"))
def test_signs_apart(kind: str) -> None:
    """With both copies of the channels alike the product is what it was."""
    for case in (case for case in cases(kind) if not case.site.is_float):
        x, doubled = case.operands[0], case.node.op.signs_apart(case.site)
        assert x is not None and doubled.op.linear is not None
        groups, axis = doubled.op.linear.groups, doubled.op.linear.columns
        assert groups is not None
        split = x.reshape(*x.shape[:-1], groups, 1, -1)
        twice = np.repeat(split, 2, axis=-2).reshape(*x.shape[:-1], -1)
        np.testing.assert_array_equal(doubled.op.run(doubled, [twice, *doubled.consts[1:]])[0], case.expected[0])
        zero = doubled.op.linear.along(np.asarray(doubled.input(1).qp.zero_point), doubled.const(1).ndim)
        positive, negative = np.split(doubled.const(1) - zero, 2, axis=axis)
        assert (positive >= 0).all() and (negative <= 0).all()


@pytest.mark.parametrize("kind", stating("linear"))
def test_weights_take_factors_and_addends(kind: str) -> None:
    """Factors of output and input channels may as well be in the weights, an addend of the input in the bias."""
    for sample in registry()[kind].samples():
        op, rng = sample.op.with_clamp(NO_CLAMP), generator(f"linear/{kind}/{sample.name}")
        x, w = (rng.normal(size=s or ()).astype(np.float32) for s in sample.shapes[:2])
        trait = op.linear
        assert trait is not None
        (y,) = op.run_float([x, w, None])
        rows, columns = (np.exp2(rng.integers(-2, 3, n)).astype(np.float32) for n in (y.shape[-1], x.shape[-1]))
        scaled = op.run_float([x, w * trait.along(rows, w.ndim), None])[0]
        np.testing.assert_allclose(scaled, y * rows, rtol=1e-4, atol=1e-4)
        inner = w * trait.per_input(columns, w.shape)
        y = op.run_float([x * columns, w, None])[0]
        np.testing.assert_allclose(op.run_float([x, inner, None])[0], y, rtol=1e-4, atol=1e-4)
        total = inner.sum(axis=tuple(k for k in range(w.ndim) if k != trait.out_axis))
        (shifted,), (plain,) = op.run_float([x + columns, w, None]), op.run_float([x, w, None])
        if trait.complete:
            np.testing.assert_allclose(shifted, plain + total, rtol=1e-3, atol=1e-3)
        dense = trait.is_dense
        assert dense == (trait.groups == 1) and (not dense or w.shape[trait.columns] == x.shape[-1])


# signs, homogeneous, fused_clamp


@pytest.mark.parametrize("kind", stating("signs"))
def test_signs(kind: str) -> None:
    for case in samples(kind):
        op, operands = case.node.op, [x for x in dequantized(case) if x is not None]
        assert op.signs is not None and op.fused_clamp is not None
        total = sum(sign * x.astype(np.float64) for sign, x in zip(op.signs, operands, strict=True))
        np.testing.assert_allclose(op.run_float(operands)[0], np.clip(total, *op.fused_clamp), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", stating("homogeneous"))
def test_homogeneous(kind: str) -> None:
    """A power of two, which rounds nothing."""
    for case in samples(kind, lambda case: case.node.op.homogeneous):
        rule = case.node.op.quant_rule([None if t is None else t.shape for t in case.site.inputs])
        whole = [isinstance(rule.role(k), Index) for k in range(len(case.operands))]
        operands = [
            x if x is None or w else np.clip(x, -1e30, 1e30) for x, w in zip(dequantized(case), whole, strict=True)
        ]
        for factor in (np.float32(0.125), np.float32(64.0)):
            moved = [x if x is None or w else x * factor for x, w in zip(operands, whole, strict=True)]
            scaled = case.node.op.run_float(moved)
            for a, b in zip(scaled, case.node.op.run_float(operands), strict=True):
                np.testing.assert_allclose(a, b * factor, rtol=1e-6, err_msg=case.name)


@pytest.mark.parametrize("kind", stating("fused_clamp"))
def test_fused_clamp(kind: str) -> None:
    for case in samples(kind):
        op, operands = case.node.op, dequantized(case)
        own = op.fused_clamp
        assert own is not None and op.with_clamp(own) == op
        free, bounded = op.with_clamp(NO_CLAMP), op.with_clamp((-0.5, 0.75))
        assert free.fused_clamp == NO_CLAMP and bounded.fused_clamp == (-0.5, 0.75)
        (y,) = free.run_float(operands)
        np.testing.assert_array_equal(bounded.run_float(operands)[0], np.clip(y, np.float32(-0.5), np.float32(0.75)))


# is_copy


COPIES: dict[str, Op] = {
    "AveragePool2D": AveragePool2D((1, 1)),
    "Clip": Clip(),
    "MaxPool2D": MaxPool2D((1, 1)),
    "Requantize": Requantize(),
}
"""Instances that no sample is, between equal types."""


@pytest.mark.parametrize("kind", stating("is_copy"))
def test_copies(kind: str) -> None:
    if kind in COPIES:
        case = cases(kind)[0]
        found = [(case, replace(case.site, op=COPIES[kind], outputs=(case.site.input(0),)))]
    else:
        found = [(c, c.site) for c in samples(kind, lambda case: case.node.op.is_copy(case.site))]
    for case, site in found:
        assert site.op.is_copy(site) and len(site.outputs) == 1
        real, x = dequantized(case)[0], case.operands[0]
        assert real is not None and x is not None
        np.testing.assert_array_equal(site.op.run_float([real])[0].ravel(), real.ravel())
        same = replace(site, outputs=(site.outputs[0].quantized(site.input(0).dtype, site.input(0).qp),))
        np.testing.assert_array_equal(site.op.run(same, [x])[0].ravel(), x.ravel())


# commute


def transposed(x: Array | None, perm: tuple[int, ...]) -> Array | None:
    """x, with leading dimensions as far as the permutation needs them, before a Transpose by it gave x."""
    return None if x is None else x.reshape((1,) * (len(perm) - x.ndim) + x.shape).transpose(inverse(perm))


def permutations(case: Case) -> Iterator[tuple[int, ...]]:
    """Permutations of the dimensions that a Transpose before the operator would permute."""
    op, x = case.node.op, case.operands[0]
    assert x is not None
    several = len(case.operands) > 1 and op.linear is None
    rank = len(case.site.outputs[0].shape) if several else x.ndim
    rng = generator(f"perm/{case.name}")
    yield from {(*range(rank - 2), rank - 1, rank - 2) if rank > 1 else (0,)[:rank], tuple(range(rank))}
    yield from (tuple(int(p) for p in rng.permutation(rank)) for _ in range(3))
    yield from ((*(int(p) for p in rng.permutation(rank - 1)), rank - 1) for _ in range(2) if rank)


@pytest.mark.parametrize("kind", stating("commute"))
def test_commute(kind: str) -> None:
    """op(T(x), …) = T'(op'(x, …)), in integers to the bit."""

    def promises(case: Case) -> bool:
        integers = not case.site.is_float  # real numbers that are added in another order are not the same
        return integers and any(case.node.op.commute(perm) for perm in permutations(case))

    for case in samples(kind, promises):
        for perm in permutations(case):
            other = case.node.op.commute(perm)
            if other is None:
                continue
            weights = case.node.op.linear is not None
            inner = [x if weights and k else transposed(x, perm) for k, x in enumerate(case.operands)]
            found = run(case.site, inner, other.op)
            assert len(found) == len(case.expected)
            for y, expected in zip(found, case.expected, strict=True):
                np.testing.assert_array_equal(y.transpose(other.perm), expected, f"{case.name} {perm}")
            real = [x if weights and k else transposed(x, perm) for k, x in enumerate(dequantized(case))]
            for y, expected in zip(other.op.run_float(real), case.node.op.run_float(dequantized(case)), strict=True):
                np.testing.assert_allclose(y.transpose(other.perm), expected, rtol=1e-4, atol=1e-5)
                assert permuted(y.shape, other.perm) == expected.shape


# tied_channels


def without(type: TensorType, left: list[int], axis: int) -> TensorType:
    """A type that keeps only some indices of an axis."""
    q = type.q
    if q is not None and q.axis == axis:
        q = QParams(tuple(q.scale[i] for i in left), tuple(q.zero_point[i] for i in left), axis)
    shape: Shape = (*type.shape[:axis], len(left), *type.shape[axis + 1 :])
    return replace(type, shape=shape, q=q)


def classes(case: Case) -> list[set[tuple[str, int, int]]]:
    """Channels that go together: ("input" or "output", position, channel)."""
    ties = case.node.op.tied_channels(case.site)
    assert ties is not None
    found: list[set[tuple[str, int, int]]] = []
    for tie in ties:
        for a, b in tie.pairs.tolist():
            joined = {("input", tie.input, a), ("output", tie.output, b)}
            meeting = [c for c in found if c & joined]
            found = [c for c in found if not c & joined] + [joined.union(*meeting)]
    return found


@pytest.mark.parametrize("kind", stating("tied_channels"))
def test_tied_channels(kind: str) -> None:
    """Without a class of channels the others are what they were."""
    for case in samples(kind, lambda case: case.node.op.tied_channels(case.site) is not None):
        site, rng = case.site, generator(f"tied/{case.name}")
        found = sorted(classes(case), key=sorted)
        gone = found[int(rng.integers(len(found)))]

        def left(side: str, index: int, type: TensorType, gone: set[tuple[str, int, int]] = gone) -> list[int]:
            return [c for c in range(channels(type.shape)) if (side, index, c) not in gone]

        outs = [left("output", k, t) for k, t in enumerate(site.outputs)]
        ins = [None if t is None else left("input", k, t) for k, t in enumerate(site.inputs)]
        if not all(outs) or not all(k is None or k for k in ins):
            continue
        types: list[TensorType | None] = []
        operands: list[Array | None] = []
        for k, (type, data) in enumerate(zip(site.inputs, case.operands, strict=True)):
            keep = ins[k]
            if type is not None and site.const_or_none(k) is not None:
                keep = outs[0] if type.shape[-1:] == site.outputs[0].shape[-1:] else None
            cut = type is not None and data is not None and keep is not None and type.shape != ()
            types.append(without(type, keep, len(type.shape) - 1) if cut and type and keep else type)
            operands.append(data.take(keep, -1) if cut and data is not None and keep is not None else data)
        outputs = tuple(
            without(t, keep, len(t.shape) - 1) if t.shape else t for t, keep in zip(site.outputs, outs, strict=True)
        )
        op = site.op.with_channels(site, [len(keep) for keep in outs])
        assert op.out_shapes([None if t is None else t.shape for t in types]) == tuple(t.shape for t in outputs)
        consts = tuple(x if site.const_or_none(k) is not None else None for k, x in enumerate(operands))
        smaller = replace(site, op=op, inputs=tuple(types), outputs=outputs, consts=consts)
        for y, expected, keep in zip(op.run(smaller, operands), case.expected, outs, strict=True):
            np.testing.assert_array_equal(y, expected.take(keep, -1) if expected.ndim else expected, case.name)


# affine


@pytest.mark.parametrize("kind", stating("affine"))
def test_affine(kind: str) -> None:
    for case in samples(kind, lambda case: case.node.op.affine(case.site) is not Affine.NONE):
        x, *others = dequantized(case)
        assert x is not None
        x = np.clip(np.nan_to_num(x), -100.0, 100.0)  # what is beyond float32 is no sum
        rng = generator(f"affine/{case.name}")
        factor = rng.uniform(0.3, 2.0, x.shape[-1:]).astype(np.float32)
        if case.node.op.affine(case.site) is Affine.ANY:
            factor *= rng.choice([-1, 1], factor.shape)
        addend = rng.normal(0, 2, factor.shape).astype(np.float32)
        (y,) = case.node.op.run_float([x, *others])
        (found,) = case.node.op.run_float([x * factor + addend, *others])
        np.testing.assert_allclose(found, y * factor + addend, rtol=1e-4, atol=1e-4, err_msg=case.name)


# ignores_offset


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if any(s.op.ignores_offset for s in registry()[kind].samples())]
)
def test_an_offset_is_ignored(kind: str) -> None:
    for case in samples(kind, lambda case: case.node.op.ignores_offset):
        x, *others = dequantized(case)
        assert x is not None
        for y, moved in zip(*(case.node.op.run_float([x + c, *others]) for c in np.float32([0, 37.5])), strict=True):
            np.testing.assert_allclose(moved, y, rtol=1e-3, atol=1e-3, err_msg=case.name)


# with_padding


def paddings(case: Case) -> Iterator[tuple[tuple[int, int, int, int], float, float, Op]]:
    """Paddings, what they hold, a lower bound of the input, and the operators that pad so themselves."""
    for padding in ((1, 0, 0, 0), (0, 1, 1, 0), (1, 1, 1, 1), (0, 0, 2, 3)):
        for value in (0.0, -INF, 1.5, -2.0):
            for least in (0.0, -INF):
                op = case.node.op.with_padding(padding, value, least)
                if op is not None:
                    yield padding, value, least, op


@pytest.mark.parametrize("kind", stating("with_padding"))
def test_with_padding(kind: str) -> None:
    for case in samples(kind, lambda case: next(paddings(case), None) is not None):
        for padding, value, least, op in paddings(case):
            x, *others = dequantized(case)
            assert x is not None
            x = np.maximum(x, least)
            top, left, bottom, right = padding
            (padded,) = Pad((0, top, left, 0), (0, bottom, right, 0), value=value).run_float([x])
            (expected,) = case.node.op.run_float([padded, *others])
            np.testing.assert_allclose(op.run_float([x, *others])[0], expected, rtol=1e-4, atol=1e-4)


# parts


@pytest.mark.parametrize("kind", stating("parts"))
def test_parts(kind: str) -> None:
    for case in samples(kind, lambda case: case.node.op.parts(case.site) is not None):
        parts = case.node.op.parts(case.site)
        assert parts is not None
        inputs = [x for x in case.operands if x is not None]
        whole, pieces = (case.expected[0], inputs) if parts.of == "output" else (inputs[0], list(case.expected))
        for start, piece in zip(parts.starts, pieces, strict=True):
            assert whole.tobytes()[start : start + piece.nbytes] == piece.tobytes(), case.name
        if parts.of == "output":
            assert sum(piece.nbytes for piece in pieces) == whole.nbytes

"""Layers in parts for several threads: together they compute what the layer does, wherever they are cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import PLAIN, Case, build, of_operator

import edgeq.api.building as edgeq
from edgeq.api.project import BuildOptions
from edgeq.codegen import parts
from edgeq.codegen.parts import Part, in_place, split, unit_of
from edgeq.errors import UsageError
from edgeq.ir.op import Sample, registry
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels.choice import Wanted
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops.conv2d import Conv2D
from edgeq.ops.depthwise_conv2d import DepthwiseConv2D
from edgeq.target import load_target

ISA = {"host": frozenset[str](), **{name: load_target(name).isa for name in ("rpi4", "cortex-m4")}}
DIVIDED = (
    "Conv2D",
    "DepthwiseConv2D",
    "FullyConnected",
    "Add",
    "Mul",
    "MaxPool2D",
    "AveragePool2D",
    "MatMul",
    "Softmax",
)
"""Operators some of whose samples are cut."""


def _operand(part: Part, case: Case, index: int) -> Array | None:
    """What a part reads of an operand: so many bytes from where it begins."""
    type, data = part.site.inputs[index], case.operands[index]
    if part.site.consts[index] is not None or type is None or data is None:
        return part.site.consts[index]
    first = part.reads[index] // data.itemsize
    return data.reshape(-1)[first : first + type.size].reshape(type.shape)


def _computed(part: Part, case: Case) -> Array:
    operands = [_operand(part, case, index) for index in range(len(case.operands))]
    with np.errstate(all="ignore"):
        return part.site.op.run(part.site, operands)[0].reshape(-1)


def _check(case: Case, cut: Sequence[Part], unit: int) -> None:
    (whole,) = case.expected
    assert [part.start for part in cut] == list(
        np.cumsum([0, *(prod(part.site.outputs[0].shape) * whole.itemsize for part in cut)])[:-1]
    )
    assert not any(at % unit for part in cut for at in (part.start, *part.reads))
    np.testing.assert_array_equal(np.concatenate([_computed(part, case) for part in cut]), whole.reshape(-1))


@pytest.mark.parametrize("kind", sorted(registry()))
def test_parts_are_the_whole(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "LEAST", 0)
    found = 0
    for number, case in enumerate(of_operator(kind)):
        for turn, isa in enumerate(ISA.values()):
            kernel = Wanted(isa).choose(case.site)
            for count in (2 + (number + turn) % 2,) if kernel is not None and turn == number % len(ISA) else ():
                assert kernel is not None
                cut = split(case.site, kernel, count)
                found += bool(cut)
                assert len(cut) <= count
                if cut:
                    _check(case, cut, unit_of(kernel))
                    assert all(kernel.takes(part.site) and kernel.fits(part.site) for part in cut)
                    assert set(in_place(kernel, cut)) <= {0, None}
    assert found or kind not in DIVIDED


def test_small_layers_stay_whole() -> None:
    case = next(of_operator("Conv2D"))
    kernel = Wanted().choose(case.site)
    assert kernel is not None and case.node.op.macs(case.site) < parts.LEAST
    assert split(case.site, kernel, 4) == () and split(case.site, kernel, 1) == ()


def test_odd_rows() -> None:
    """Rows of any number of bytes are cut where vectors are read at any address, and words are not needed."""
    op = DepthwiseConv2D(padding=(1, 1, 1, 1))
    sample = Sample("odd", op, ((1, 15, 15, 95), (3, 3, 95), (95,)), const=(1, 2))
    site = build("DepthwiseConv2D", sample, PLAIN, Numerics.FAST).site
    for isa, starts in ((frozenset({"avx2"}), [0, 7 * 15 * 95]), (load_target("cortex-m4").isa, [])):
        kernel = Wanted(isa).choose(site)
        assert kernel is not None
        assert [part.start for part in split(site, kernel, 2)] == starts


def test_what_lies_over_its_input_lies_exactly_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts run at the same time: an output that starts before its input would overwrite what another part reads."""
    monkeypatch.setattr(parts, "LEAST", 0)
    site, other = _site("Add"), _site("Conv2D")
    add, conv = Wanted().choose(site), Wanted().choose(other)
    assert add is not None and conv is not None
    assert in_place(add, split(site, add, 2)) == (0, 0)
    assert in_place(conv, split(other, conv, 2)) == (None,) * 3


def _site(kind: str) -> Site:
    op, image, weights = registry()[kind](), (1, 8, 8, 16), (16, 3, 3, 16)
    if isinstance(op, Conv2D):
        sample = Sample("conv", replace(op, padding=(1, 1, 1, 1)), (image, weights, (16,)), const=(1, 2))
    else:
        sample = Sample("two", op, (image, image))
    return build(kind, sample, PLAIN, Numerics.FAST).site


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"threads": 0}, "not from 1 to 64"),
        ({"threads": 65}, "not from 1 to 64"),
        ({"target": "cortex-m4", "threads": 2}, "no operating system"),
        ({"ram_budget": 1000, "threads": 2}, "--ram-budget"),
        ({"emit": "arduino", "threads": 2}, "--emit arduino"),
    ],
)
def test_who_cannot_have_threads(more: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        edgeq.build(BuildOptions(tmp_path / "none.onnx", output=tmp_path / "out", **more))

"""Two operands, broadcast against each other as in NumPy, either of which may be constant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgeq.errors import InternalError
from edgeq.ir.condition import all_of
from edgeq.ir.kernel import INT8, Kernel, Param
from edgeq.ir.op import Op, Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, QParams, Shape
from edgeq.ops._overlap import elementwise

MAX_RANK = 6
"""Dimensions that the C kernels walk (EQ_MAX_RANK)."""
Strides = tuple[int, ...]


def broadcast_shapes(shapes: Shapes) -> Shape:
    """The shape that two operands broadcast to.

    Raises:
        ValueError: they do not broadcast, or have too many dimensions.
    """
    if len(shapes) != 2 or shapes[0] is None or shapes[1] is None:
        raise ValueError("needs exactly two inputs")
    try:
        shape = np.broadcast_shapes(shapes[0], shapes[1])
    except ValueError:
        raise ValueError(f"shapes {shapes[0]} and {shapes[1]} do not broadcast against each other") from None
    if len(shape) > MAX_RANK:
        raise ValueError(f"{len(shape)} dimensions are too many; at most {MAX_RANK} are supported")
    return tuple(shape)


def contiguous_strides(shape: Shape) -> Strides:
    """Elements between neighbours along each dimension of a dense tensor."""
    strides = [1] * len(shape)
    for d in range(len(shape) - 2, -1, -1):
        strides[d] = strides[d + 1] * shape[d + 1]
    return tuple(strides)


def broadcast_strides(shape: Shape, to: Shape) -> Strides:
    """Strides with which a dense tensor is read as one of shape `to`: 0 along repeated dimensions."""
    own = contiguous_strides(shape)
    padded = (1,) * (len(to) - len(shape)) + shape
    strides = (0,) * (len(to) - len(shape)) + own
    return tuple(0 if n == 1 else s for n, s in zip(padded, strides, strict=True))


def collapse(shape: Shape, strides: Sequence[Strides], rank: int = MAX_RANK) -> tuple[Shape, list[Strides]]:
    """The same walk over several tensors in the fewest dimensions, filled up to `rank` with leading ones.

    Raises:
        ValueError: it takes more than `rank` dimensions.
    """
    kept: list[tuple[int, list[int]]] = []
    for d, size in enumerate(shape):
        step = [s[d] for s in strides]
        if size == 1:
            continue
        if kept and all(above == s * size for above, s in zip(kept[-1][1], step, strict=True)):
            kept[-1] = (kept[-1][0] * size, step)
        else:
            kept.append((size, step))
    if len(kept) > rank:
        raise ValueError(f"{len(kept)} dimensions are too many; at most {rank} are supported")
    kept = [(1, [0] * len(strides))] * (rank - len(kept)) + kept
    return tuple(k[0] for k in kept), [tuple(k[1][i] for k in kept) for i in range(len(strides))]


@dataclass(frozen=True)
class Operands:
    """Which inputs of a site a kernel gets as `a` and `b`. The constant one, if any, is b.

    Attributes:
        a, b: indices of the inputs.
        constant: the elements of b, or None.
    """

    a: int
    b: int
    constant: Array | None


def operands(site: Site) -> Operands:
    """The roles of the site's two inputs."""
    first, second = site.const_or_none(0), site.const_or_none(1)
    return Operands(0, 1, second) if first is None else Operands(1, 0, first)


def operand_walk(site: Site) -> tuple[Shape, list[Strides]]:
    """How operands a and b are read: the output's dimensions, joined where possible, and each operand's strides."""
    pair, y = operands(site), site.outputs[0].shape
    return collapse(y, [broadcast_strides(site.input(i).shape, y) for i in (pair.a, pair.b)])


def broadcast_params(site: Site) -> Mapping[str, Param]:
    """The members `shape, a_stride, b_stride, constant` that all kernels with two operands share."""
    shape, (a, b) = operand_walk(site)
    elements = operands(site).constant
    constant = 0 if elements is None else np.ravel(elements)
    return {"shape": shape, "a_stride": a, "b_stride": b, "constant": constant}


def both_computed(site: Site) -> bool:
    """Both operands are computed at run time."""
    return site.const_or_none(0) is None and site.const_or_none(1) is None


def one_constant(site: Site) -> bool:
    """One operand is constant."""
    return (site.const_or_none(0) is None) != (site.const_or_none(1) is None)


def binary_kernels(
    name: str,
    file: str,
    struct: str,
    lower: Callable[[Site], Mapping[str, Param]],
    suffix: str = "",
    rounded: bool = False,
    fits: Callable[[Site], bool] | None = None,
    elements: frozenset[DType] = INT8,
) -> tuple[Kernel, Kernel]:
    """The two rows of an operator with two operands: `<name>_ref<suffix>` for two computed ones, and
    `<name>_const_ref<suffix>`, which has one of them in its parameters.

    Args:
        name: prefix of the C functions.
        file: name of header and source, without extension.
        struct: C type of the parameters.
        lower: their members.
        suffix: end of the C names.
        rounded: see Kernel.
        fits: further condition on the site.
        elements: see Kernel.
    """

    def row(function: str, condition: Callable[[Site], bool]) -> Kernel:
        return Kernel(
            function,
            (f"ref/{file}.c",),
            f"eq/{file}.h",
            struct,
            lower,
            fits=condition if fits is None else all_of(condition, fits),
            overlap=elementwise,
            rounded=rounded,
            elements=elements,
        )

    return row(f"{name}_ref{suffix}", both_computed), row(f"{name}_const_ref{suffix}", one_constant)


def require_same_scale(site: Site, q: QParams | None) -> None:
    """Refuse an operator that moves or compares values whose scales differ.

    Raises:
        InternalError: `q` is not the output's quantization.
    """
    if q != site.outputs[0].q:
        raise InternalError(
            f"{site.op.kind} got an input with {q} where the output has {site.outputs[0].q}",
            hint="please report this: a Requantize node is missing in front of it",
            where=site.name,
        )


def broadcast_samples(op: Op, low: float = -4.0, high: float = 4.0) -> tuple[Sample, ...]:
    """Test cases of an operator with two operands: every kind of broadcasting, computed and constant operands."""

    def case(name: str, a: Shape, b: Shape, const: tuple[int, ...] = ()) -> Sample:
        return Sample(name, op, (a, b), const, low, high)

    image = (1, 5, 3, 7)
    return (
        case("same", image, image),
        case("channels", image, (7,)),
        case("channels_first", (7,), image),
        case("const_channels", image, (7,), (1,)),
        case("const_first", (1, 1, 1, 7), image, (0,)),
        case("const_scalar", image, (), (1,)),
        case("const_scalar_first", (1,), image, (0,)),
        case("const_full", image, image, (1,)),
        case("pixels", image, (1, 5, 3, 1)),
        case("both_ways", (2, 1, 4, 1, 3), (1, 5, 1, 2, 3)),
        case("const_grows", (1, 1, 7), (1, 6, 7), (1,)),
        case("middle", (3, 4, 5), (3, 1, 5)),
        case("vector", (33,), (33,)),
        case("rows", (1, 3, 5, 6), (1, 1, 5, 6)),
        case("const_rows", (2, 3, 8), (8,), (1,)),
        case("six", (2, 1, 2, 1, 2, 3), (1, 2, 1, 2, 1, 3)),
    )

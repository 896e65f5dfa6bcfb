"""Calls split into parts that several threads compute: some rows, pixels, samples or channels of the output each.

A part is a call of the same kernel at a smaller site, so kernels know nothing of threads, and every element is what it
is without them. Parts write different bytes and have scratch memory of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

from edgeq.codegen.literals import WORD
from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Op, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, Shape, TensorType
from edgeq.ir.traits import Pattern

LEAST = 1 << 17
"""Multiply-accumulates below which a call is not split, a byte of its output counting as EIGHT: handing work over and
waiting for it takes a microsecond or two."""
EIGHT = 8
LONGEST = 64
"""Pixels of a row at most, where pixels are cut and rows are of any length."""
SHORTEST = 8
"""Pixels of a row at least: kernels do something for each row."""
ANYWHERE = frozenset({"neon", "dotprod", "avx2", "avx-vnni", "avx512-vnni"})
"""Features whose kernels read and write vectors of bytes at any address; others may want words."""


@dataclass(frozen=True, eq=False)
class Part:
    """Some of a call's output.

    Attributes:
        site: what computes it.
        reads: for every input, the byte of it at which the part's begins.
        start: the byte of the output at which it begins. This one, as those of `reads`, is where the kernel can begin.
    """

    site: Site
    reads: tuple[int, ...]
    start: int


def split(site: Site, kernel: Kernel, count: int) -> tuple[Part, ...]:
    """A call in up to `count` parts, together its whole output in order; empty if it is better not split.

    Args:
        site: what is computed.
        kernel: what computes it, and each part.
        count: threads.
    """
    if count < 2 or len(site.outputs) != 1 or kernel.variadic or not _is_worth_it(site):
        return ()
    ways = [way(site, count, unit_of(kernel)) for way in WAYS]
    found = [parts for parts in ways if all(_fits(kernel, part.site) for part in parts)]
    return max(found, key=lambda parts: (len(parts), -_largest(parts)), default=())


def unit_of(kernel: Kernel) -> int:
    """What the bytes are aligned to at which a kernel's operands can begin."""
    return 1 if kernel.isa and kernel.isa <= ANYWHERE else WORD


def in_place(kernel: Kernel, parts: Sequence[Part]) -> tuple[int | None, ...]:
    """For every input, 0 if the output may lie exactly over it: each part then overwrites what it alone reads."""

    def allowed(part: Part, index: int) -> bool:
        type, overlap = part.site.inputs[index], kernel.overlap(part.site)[index]
        least = kernel.exactly(part.site)[index] if overlap is None or overlap > 0 else 0
        same = type is not None and type.nbytes == part.site.outputs[0].nbytes
        return least == 0 and same and part.reads[index] == part.start

    return tuple(0 if all(allowed(part, i) for part in parts) else None for i in range(len(parts[0].site.inputs)))


def _is_worth_it(site: Site) -> bool:
    return site.op.macs(site) + EIGHT * site.outputs[0].nbytes >= LEAST


def _fits(kernel: Kernel, site: Site) -> bool:
    return kernel.takes(site) and kernel.fits(site)


def _largest(parts: Sequence[Part]) -> int:
    return max((part.site.outputs[0].size for part in parts), default=0)


def _cuts(size: int, count: int, unit: int, *bytes: int) -> list[tuple[int, int]]:
    """`size` things in up to `count` runs of nearly equal length, each of which begins at aligned bytes.

    Args:
        size: how many there are.
        count: how many runs are wanted.
        unit: what bytes are aligned to.
        bytes: of one thing, in each tensor that is cut.
    """
    together = next((n for n in (1, 2) if all(n * each % unit == 0 for each in bytes)), unit)
    most = -(-size // together)
    starts = sorted({most * k // count * together for k in range(count)})
    return list(zip(starts, (*starts[1:], size), strict=True))


def _rows(site: Site, count: int, unit: int) -> tuple[Part, ...]:
    """Rows of an image."""
    out, shapes = site.outputs[0].shape, _shapes(site)
    if len(out) != 4 or out[0] != 1 or any(s is not None and len(s) == 4 and s[0] != 1 for s in _computed(site)):
        return ()
    bytes = [t.nbytes // t.shape[1] for t in (*_types(site), site.outputs[0]) if len(t.shape) == 4 and t.shape[1]]
    parts = []
    for begin, end in _cuts(out[1], count, unit, *bytes):
        stripe = site.op.stripe(shapes, (begin, end))
        if stripe is None:
            return ()
        inputs, reads = [], []
        for type, data, rows in zip(site.inputs, site.consts, stripe.rows, strict=True):
            if type is None or rows is None:
                inputs.append(type)
                reads.append(0)
            elif data is not None:  # packed with a constant's rows, kernels would carry as many copies of them
                return ()
            else:
                inputs.append(type.reshaped((1, rows[1] - rows[0], *type.shape[2:])))
                reads.append(type.nbytes // type.shape[1] * rows[0])
        parts.append(_part(site, stripe.op, inputs, (1, end - begin, *out[2:]), reads, begin))
    return _checked(parts, unit)


def _samples(site: Site, count: int, unit: int) -> tuple[Part, ...]:
    """Indices of dimension 0, where the operator treats them independently."""
    out, shapes = site.outputs[0].shape, _shapes(site)
    if not out or out[0] < 2 or any(not s or s[0] != out[0] for s in _computed(site)):
        return ()
    if site.op.batched(shapes, 2) != site.op:
        return ()
    bytes = [t.nbytes // out[0] for t in (*_types(site), site.outputs[0])]
    parts = []
    for begin, end in _cuts(out[0], count, unit, *bytes):
        inputs, reads = [], []
        for type, data in zip(site.inputs, site.consts, strict=True):
            moves = type is not None and data is None
            inputs.append(type.reshaped((end - begin, *type.shape[1:])) if moves and type is not None else type)
            reads.append(type.nbytes // out[0] * begin if moves and type is not None else 0)
        parts.append(_part(site, site.op, inputs, (end - begin, *out[1:]), reads, begin))
    return _checked(parts, unit)


def _pixels(site: Site, count: int, unit: int) -> tuple[Part, ...]:
    """Pixels of an image, or rows of a matrix, each of which the operator computes from the same one of its inputs."""
    out = site.outputs[0].shape
    if len(out) < 2 or not _is_pointwise(site):
        return ()
    pixels = prod(out[:-1])
    flat = [
        type.reshaped(_flat(type.shape, len(out), pixels)) if type is not None and type.shape[:-1] == out[:-1] else type
        for type in site.inputs
    ]
    if any(t is not None and data is None and t.size == 0 for t, data in zip(flat, site.consts, strict=True)):
        return ()
    whole = replace(site, inputs=tuple(flat), outputs=(site.outputs[0].reshaped(_flat(out, len(out), pixels)),))
    if len(out) != 4:
        return _samples(whole, count, unit)
    parts = [_in_rows(part) for part in _rows(whole, count, unit)]
    return tuple(part for part in parts if part is not None) if None not in parts else ()


def _in_rows(part: Part) -> Part | None:
    """A part whose pixels lie one below the other, with rows of several; None if there are none of that length."""
    pixels = part.site.outputs[0].shape[1]
    widths = (width for width in range(min(pixels, LONGEST), 0, -1) if pixels % width == 0)
    width = next(widths)
    if width < min(pixels, SHORTEST):
        return None

    def wide(type: TensorType) -> TensorType:
        return type.reshaped((1, pixels // width, width, type.shape[-1]))

    inputs = tuple(
        wide(type) if type is not None and data is None else type
        for type, data in zip(part.site.inputs, part.site.consts, strict=True)
    )
    return replace(part, site=replace(part.site, inputs=inputs, outputs=(wide(part.site.outputs[0]),)))


def _flat(shape: Shape, rank: int, pixels: int) -> Shape:
    return (1, pixels, 1, shape[-1]) if rank == 4 else (pixels, shape[-1])


def _is_pointwise(site: Site) -> bool:
    """Whether each pixel of the output is computed from the same pixel of each computed operand."""
    out, linear = site.outputs[0].shape, site.op.linear
    if any(not s or s[:-1] != out[:-1] for s in _computed(site)):
        return False
    if site.op.pattern is Pattern.ELEMENTWISE:
        constant = [t for t, data in zip(site.inputs, site.consts, strict=True) if t is not None and data is not None]
        return all(t.size == 1 or t.shape == out[-1:] for t in constant)
    if linear is None or not linear.is_dense or not linear.complete or site.consts[1] is None:
        return False
    return site.consts[1].size == site.input(0).shape[-1] * out[-1]


def _channels(site: Site, count: int, unit: int) -> tuple[Part, ...]:
    """Output channels of a product whose output is one pixel."""
    out, linear = site.outputs[0], site.op.linear
    constant = [data is not None or type is None for type, data in zip(site.inputs, site.consts, strict=True)]
    if linear is None or not linear.is_dense or not out.shape or out.size != out.shape[-1]:
        return ()
    if constant[0] or not all(constant[1:]) or len(constant) > 3 or site.input(1).shape[linear.out_axis] != out.size:
        return ()
    parts = []
    for begin, end in _cuts(out.size, count, unit, out.itemsize):
        operands = [(site.inputs[0], site.consts[0])]
        for index, (type, data) in enumerate(zip(site.inputs[1:], site.consts[1:], strict=True)):
            axis = linear.out_axis if index == 0 else 0
            if type is None or data is None:
                operands.append((type, data))
                continue
            cut = _cut(type, data, axis, begin, end)
            if cut is None:
                return ()
            operands.append(cut)
        part = replace(
            site,
            inputs=tuple(type for type, _ in operands),
            outputs=(out.reshaped((*out.shape[:-1], end - begin)),),
            consts=tuple(data for _, data in operands),
        )
        parts.append(Part(part, (0,) * len(operands), begin * out.itemsize))
    return _checked(parts, unit)


def _cut(type: TensorType, data: Array, axis: int, begin: int, end: int) -> tuple[TensorType, Array] | None:
    """Some indices of a constant's axis; None if its parameters cannot be cut along it."""
    q = type.q
    if q is not None and q.axis is not None:
        if q.axis != axis or q.block is not None:
            return None
        q = q.of_channels(begin, end)
    chosen = data[(slice(None),) * axis + (slice(begin, end),)]
    return replace(type, shape=chosen.shape, q=q), chosen


def _part(
    site: Site, op: Op, inputs: Sequence[TensorType | None], out: Shape, reads: Sequence[int], begin: int
) -> Part:
    """A part whose output begins at the row `begin` of the dimension that is cut, the first that is not 1."""
    whole = site.outputs[0]
    lines = whole.shape[1] if len(out) == 4 and whole.shape[0] == 1 else whole.shape[0]
    smaller = replace(site, op=op, inputs=tuple(inputs), outputs=(whole.reshaped(out),))
    return Part(smaller, tuple(reads), whole.nbytes // lines * begin)


def _checked(parts: Sequence[Part], unit: int) -> tuple[Part, ...]:
    """The parts, if they are several, aligned, and what their operators say they are; else none."""
    right = len(parts) > 1 and all(
        _gives(part.site) and not any(at % unit for at in (part.start, *part.reads)) for part in parts
    )
    return tuple(parts) if right else ()


def _gives(site: Site) -> bool:
    try:
        return site.op.out_shapes(_shapes(site)) == (site.outputs[0].shape,)
    except ValueError:
        return False


def _shapes(site: Site) -> Shapes:
    return [None if type is None else type.shape for type in site.inputs]


def _types(site: Site) -> Iterator[TensorType]:
    """Types of the computed operands."""
    return (t for t, data in zip(site.inputs, site.consts, strict=True) if t is not None and data is None)


def _computed(site: Site) -> list[Shape]:
    return [type.shape for type in _types(site)]


WAYS: tuple[Callable[[Site, int, int], tuple[Part, ...]], ...] = (_rows, _pixels, _samples, _channels)
"""How a call can be cut; the first of those that give the most even parts is taken."""

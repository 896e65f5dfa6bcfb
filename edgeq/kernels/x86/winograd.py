"""Rows of 3×3 convolutions by Winograd's F(2×2, 3×3), in integers, with AVX2."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels._shared.site import flat_weights, op_of, padded
from edgeq.kernels.x86.isa import FAST_GOALS, VECTORS, Vectors
from edgeq.kernels.x86.nearest import FORMS
from edgeq.kernels.x86.pack import Channels, function_name, pair_order, proof_of, requant_members, takes_weights
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._overlap import Overlaps, first_taps, of_first_input, pixels_of
from edgeq.ops._requant import effective_multiplier, folded_bias
from edgeq.ops._window import geometry
from edgeq.ops.conv2d import Conv2D

SIDES = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])
"""Twice the F(2, 3) transform of three weights."""
FACTOR = 4
"""By what factor sums are greater than those of the convolution."""
SIXTEEN = 16
"""Channels of a strip, and positions of a tile."""
TILES = 6
"""Of 2×2 outputs, computed at once."""
WORTH = 0.75
"""Of the products there may be at most so many left: transforms take time as well."""
MOST_WEIGHTS = 1 << 15
"""Of a channel's window each; transformed they are read for every six tiles, and have to stay in the second cache."""
AVX2 = VECTORS[-1]


def winograd_rows() -> tuple[Kernel, ...]:
    """Rows of 3×3 convolutions with stride 1 in one group, which trade bytes of weights for speed."""
    return tuple(_row(form) for form in (*FORMS, None))


def _row(form: str | None) -> Kernel:
    return Kernel(
        function_name("eq_winograd", AVX2, form),
        ("x86/winograd_avx2.c",),
        "eq/winograd_x86.h",
        "eq_winograd_x86_params",
        lambda site: _lower(site, form),
        AVX2.isa,
        all_of(
            _is_3x3,
            _has_sixteens,
            _has_few_weights,
            _pays,
            takes_weights(_multiplier),
            _has_small_sums,
            *proof_of(form, _multiplier, Conv2D),
        ),
        lambda site: padded(193 * site.input(0).shape[3] + 64, 4),
        _overlap,
        rounded=form is None,
        goals=FAST_GOALS,
    )


def _multiplier(site: Site) -> Multiplier:
    return effective_multiplier(site, site.outputs[0].shape[3])


def _is_3x3(site: Site) -> bool:
    """It is a 3×3 convolution in one group, with stride 1 and not dilated."""
    op, w = op_of(site, Conv2D), site.input(1).shape
    return op.groups == 1 and op.stride == (1, 1) and op.dilation == (1, 1) and w[1:3] == (3, 3)


def _has_sixteens(site: Site) -> bool:
    """Channels of input and output are multiples of 16."""
    return site.input(0).shape[3] % SIXTEEN == 0 and site.outputs[0].shape[3] % SIXTEEN == 0


def _has_few_weights(site: Site) -> bool:
    """The second cache has room for the transformed weights."""
    return site.input(0).shape[3] * site.outputs[0].shape[3] <= MOST_WEIGHTS


def _pays(site: Site) -> bool:
    """There are few products left, also of whole groups of tiles."""
    _, high, wide, _ = site.outputs[0].shape
    tiles = -(-high // 2) * -(-wide // 2)
    return padded(tiles, TILES) * SIXTEEN <= WORTH * 9 * high * wide


def _has_small_sums(site: Site) -> bool:
    """Sums of transformed weights and inputs fit 32 bits."""
    wide = flat_weights(site).astype(np.int64)
    reach = np.abs(folded_bias(site, wide, len(wide)).astype(np.int64)) + 128 * np.abs(wide).sum(axis=1)
    return bool(reach.max(initial=0) * FACTOR < 2**30)


def _overlap(site: Site) -> Overlaps:
    """All that some tiles need is read before any of them is written."""
    (n, h, w, c), (_, oh, ow, oc) = site.input(0).shape, site.outputs[0].shape
    top, left = op_of(site, Conv2D).padding[:2]
    y, x, images = np.arange(0, oh, 2), np.arange(0, ow, 2), np.arange(n)
    together = np.arange(0, len(y) * len(x), TILES)
    rows, columns = first_taps(h, len(y), 4, 2, 1, top), first_taps(w, len(x), 4, 2, 1, left)
    read = pixels_of(rows, columns, w, images * (h * w)).reshape(n, -1)
    end = pixels_of(np.minimum(y + 2, oh) - 1, np.minimum(x + 2, ow), ow, images * (oh * ow)).reshape(n, -1)
    written = np.append(0, np.maximum.accumulate(np.maximum.reduceat(end, together, axis=1).ravel())[:-1])
    return of_first_input(site, (written * oc, np.minimum.reduceat(read, together, axis=1).ravel() * c))


def pack_positions(weights: Array, order: Channels, vectors: Vectors) -> Array:
    """Weights (OC, 3, 3, C): per strip of channels of `order`, per position, per step, the step of every lane."""
    positions = np.einsum("iy,oyxc,jx->ijoc", SIDES, weights[order].astype(np.int64), SIDES)
    depth = weights.shape[3]
    strips = positions.reshape(SIXTEEN, -1, SIXTEEN, depth // vectors.step, vectors.step)
    return np.ascontiguousarray(strips.transpose(1, 0, 3, 2, 4), np.dtype("<i2")).ravel()


def _lower(site: Site, form: str | None) -> Mapping[str, Param]:
    op, x, y = op_of(site, Conv2D), site.input(0), site.outputs[0].shape
    order, wide = pair_order(y[3], AVX2), flat_weights(site).astype(np.int64)
    shapes = geometry(x.shape, y, (3, 3), op.stride, op.dilation, op.padding)
    members = requant_members(site, folded_bias(site, wide, len(wide)), _multiplier(site), op.clamp, order, form)
    bias = members["bias"]
    assert isinstance(bias, np.ndarray)
    return {
        **{key: value for key, value in shapes.items() if not key.startswith(("kernel", "stride", "dilation"))},
        "pad_value": x.qp.zp,
        "weights": pack_positions(site.const(1), order, AVX2),
        **members,
        "bias": bias * FACTOR,
    }

"""Rows of pools, element-wise operators and softmax by Arm's CMSIS-NN."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.op import Site
from edgeq.numerics.fixedpoint import Multiplier
from edgeq.ops._broadcast import both_computed
from edgeq.ops._cmsis_nn import Variant, library_rows, output_params
from edgeq.ops._requant import Clamp, output_range
from edgeq.ops._softmax import Differences, columns
from edgeq.ops._window import Padding, Pair, geometry

MOST_COLUMNS = 511
"""Of a softmax: the sum of their exponentials leaves four bits, without which the library shifts by more than 31."""
MOST_PRODUCT_SHIFT = 14
"""To the left, of the product of two operands."""


def _lower_pool(site: Site, scratch: int) -> Mapping[str, Param]:
    op = site.op
    kernel, stride, padding, clamp = (getattr(op, name) for name in ("kernel", "stride", "padding", "clamp"))
    qmin, qmax = output_range(site.outputs[0].qp, clamp)
    return {
        **geometry(site.input(0).shape, site.outputs[0].shape, kernel, stride, (1, 1), padding),
        "scratch_bytes": scratch,
        "qmin": qmin,
        "qmax": qmax,
    }


def average_pool_rows() -> tuple[Kernel, ...]:
    """The rows of AveragePool2D: padding does not count."""

    def fits(site: Site, variant: Variant) -> bool:
        padding: Padding = getattr(site.op, "padding")  # noqa: B009
        return not (any(padding) and getattr(site.op, "count_include_pad"))  # noqa: B009

    def scratch(site: Site, variant: Variant) -> int:
        """`arm_avgpool_s8_get_buffer_size`."""
        return 4 * site.input(0).shape[3] if variant is Variant.DSP else 0

    def lower(site: Site, variant: Variant) -> Mapping[str, Param]:
        return _lower_pool(site, scratch(site, variant))

    return library_rows("average_pool2d", "pool", "eq_pool_cmsis_nn_params", lower, fits, scratch)


def max_pool_rows() -> tuple[Kernel, ...]:
    """The rows of MaxPool2D."""

    def fits(site: Site, variant: Variant) -> bool:
        dilation: Pair = getattr(site.op, "dilation")  # noqa: B009
        return dilation == (1, 1)

    def lower(site: Site, variant: Variant) -> Mapping[str, Param]:
        return _lower_pool(site, 0)

    return library_rows("max_pool2d", "pool", "eq_pool_cmsis_nn_params", lower, fits)


def _of_one_shape(site: Site) -> bool:
    return both_computed(site) and site.input(0).shape == site.input(1).shape


def _clamp(site: Site) -> Clamp:
    found: Clamp = getattr(site.op, "clamp")  # noqa: B009
    return found


def add_rows(
    factors: Callable[[Site], tuple[Multiplier, Multiplier, Multiplier]], left_shift: int, fits: Callable[[Site], bool]
) -> tuple[Kernel, ...]:
    """The rows of Add.

    Args:
        factors: of the first input, of the second, of their sum.
        left_shift: of both inputs, before they are multiplied.
        fits: further conditions on the site.
    """

    def lower(site: Site, variant: Variant) -> Mapping[str, Param]:
        a, b, y = factors(site)
        return {
            "size": site.outputs[0].size,
            "a_offset": -site.input(0).qp.zp,
            "a_multiplier": int(a.mantissa[0]),
            "a_shift": int(a.shift[0]),
            "b_offset": -site.input(1).qp.zp,
            "b_multiplier": int(b.mantissa[0]),
            "b_shift": int(b.shift[0]),
            "left_shift": left_shift,
            "multiplier": int(y.mantissa[0]),
            "shift": int(y.shift[0]),
            **output_params(site, _clamp(site)),
        }

    def takes(site: Site, variant: Variant) -> bool:
        return _of_one_shape(site) and fits(site)

    return library_rows("add", "elementwise", "eq_add_cmsis_nn_params", lower, takes)


def mul_rows(factor: Callable[[Site], Multiplier]) -> tuple[Kernel, ...]:
    """The rows of Mul.

    Args:
        factor: of the product.
    """

    def lower(site: Site, variant: Variant) -> Mapping[str, Param]:
        y = factor(site)
        return {
            "size": site.outputs[0].size,
            "a_offset": -site.input(0).qp.zp,
            "b_offset": -site.input(1).qp.zp,
            "multiplier": int(y.mantissa[0]),
            "shift": int(y.shift[0]),
            **output_params(site, _clamp(site)),
        }

    def takes(site: Site, variant: Variant) -> bool:
        return _of_one_shape(site) and int(factor(site).shift[0]) <= MOST_PRODUCT_SHIFT

    return library_rows("mul", "elementwise", "eq_mul_cmsis_nn_params", lower, takes)


def softmax_rows(differences: Callable[[Site], Differences], fits: Callable[[Site], bool]) -> tuple[Kernel, ...]:
    """The rows of Softmax.

    Args:
        differences: how differences of inputs become fixed-point numbers.
        fits: further conditions on the site.
    """

    def lower(site: Site, variant: Variant) -> Mapping[str, Param]:
        found = differences(site)
        return {
            "rows": site.outputs[0].size // columns(site),
            "columns": columns(site),
            "multiplier": int(found.factor.mantissa[0]),
            "shift": int(found.factor.shift[0]),
            "least": found.least,
        }

    def takes(site: Site, variant: Variant) -> bool:
        return fits(site) and columns(site) <= MOST_COLUMNS and int(differences(site).factor.shift[0]) >= 0

    return library_rows("softmax", "softmax", "eq_softmax_cmsis_nn_params", lower, takes)

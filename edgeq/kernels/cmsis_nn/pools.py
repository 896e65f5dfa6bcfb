"""Rows of pools by Arm's CMSIS-NN."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels._shared.site import op_of
from edgeq.kernels.cmsis_nn.library import Variant, everywhere, library_rows
from edgeq.ops._requant import output_range
from edgeq.ops._window import geometry
from edgeq.ops.average_pool2d import AveragePool2D, halves_away
from edgeq.ops.max_pool2d import MaxPool2D

STRUCT = "eq_pool_cmsis_nn_params"


def _lower(site: Site, op: AveragePool2D | MaxPool2D, scratch: int) -> Mapping[str, Param]:
    qmin, qmax = output_range(site.outputs[0].qp, op.clamp)
    return {
        **geometry(site.input(0).shape, site.outputs[0].shape, op.kernel, op.stride, (1, 1), op.padding),
        "scratch_bytes": scratch,
        "qmin": qmin,
        "qmax": qmax,
    }


def _counts_no_padding(site: Site) -> bool:
    """Padding does not count."""
    op = op_of(site, AveragePool2D)
    return not (any(op.padding) and op.count_include_pad)


def _is_undilated(site: Site) -> bool:
    """The window is not dilated."""
    return op_of(site, MaxPool2D).dilation == (1, 1)


def average_pool2d_rows() -> tuple[Kernel, ...]:
    """The rows of AveragePool2D: padding does not count, halves are rounded away from zero."""

    def scratch(site: Site, variant: Variant) -> int:
        """`arm_avgpool_s8_get_buffer_size`."""
        return 4 * site.input(0).shape[3] if variant is Variant.DSP else 0

    def lower(site: Site, variant: Variant) -> Mapping[str, Param]:
        return _lower(site, op_of(site, AveragePool2D), scratch(site, variant))

    return library_rows("average_pool2d", "pool", STRUCT, lower, everywhere(_counts_no_padding, halves_away), scratch)


def max_pool2d_rows() -> tuple[Kernel, ...]:
    """The rows of MaxPool2D."""

    def lower(site: Site, variant: Variant) -> Mapping[str, Param]:
        return _lower(site, op_of(site, MaxPool2D), 0)

    return library_rows("max_pool2d", "pool", STRUCT, lower, everywhere(_is_undilated))

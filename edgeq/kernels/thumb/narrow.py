"""Rows of weights of 2 bits, of 1, and of codes in convolutions and fully connected layers."""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.ir.condition import all_of
from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType
from edgeq.kernels._shared.fields import KINDS, Fields
from edgeq.kernels._shared.site import flat_weights
from edgeq.kernels.thumb.conv2d import conv_overlap, conv_scratch, one_group, without_weights
from edgeq.kernels.thumb.fully_connected import fours_overlap
from edgeq.kernels.thumb.isa import DSP
from edgeq.kernels.thumb.pack import pack_codes, pack_field_fours, pack_fields
from edgeq.kernels.thumb.sums import fits_sums
from edgeq.ops.fully_connected import lower_ref


def _conv2d_row(kind: Fields, isa: str, *sources: str) -> Kernel:
    def lower(site: Site) -> Mapping[str, Param]:
        packed = pack_fields(flat_weights(site), kind.bits)
        shape = {"words": packed.words, "block": packed.block, "skipped": packed.skipped}
        return {**without_weights(site), "weights": packed.data, **shape}

    return Kernel(
        f"eq_conv2d_{kind.name}_{isa}",
        (f"{isa}/conv2d_narrow.c", f"{isa}/gemm_narrow.c", *sources),
        "eq/conv2d_int4_thumb.h",
        "eq_conv2d_int4_thumb_params",
        lower,
        isa=frozenset({isa}),
        fits=all_of(one_group, fits_sums),
        scratch=conv_scratch,
        overlap=conv_overlap,
        rounded=True,
        weights=kind.types,
        negative_scales=True,
        goals=kind.goals,
        lacks=DSP,
    )


def _fully_connected_row(kind: Fields) -> Kernel:
    def lower(site: Site) -> Mapping[str, Param]:
        members = {key: value for key, value in lower_ref(site).items() if key != "weight_zero_point"}
        return {**members, "weights": pack_field_fours(flat_weights(site), kind.bits)}

    return Kernel(
        f"eq_fully_connected_{kind.name}_thumb",
        ("thumb/fully_connected_narrow.c", "thumb/store.c"),
        "eq/fully_connected_int4_thumb.h",
        "eq_fully_connected_int4_thumb_params",
        lower,
        isa=frozenset({"thumb"}),
        fits=fits_sums,
        overlap=fours_overlap,
        rounded=True,
        weights=kind.types,
        negative_scales=True,
        goals=kind.goals,
        lacks=DSP,
    )


def _codes_row(dtype: DType) -> Kernel:
    def lower(site: Site) -> Mapping[str, Param]:
        members = {key: value for key, value in lower_ref(site).items() if key != "weight_zero_point"}
        table, codes = pack_codes(flat_weights(site), dtype.bits)
        return {**members, "table": table, "weights": codes}

    return Kernel(
        f"eq_fully_connected_{dtype.value}_thumb",
        ("thumb/fully_connected_codes.c", "thumb/store.c"),
        "eq/fully_connected_codes_thumb.h",
        "eq_fully_connected_codes_thumb_params",
        lower,
        isa=frozenset({"thumb"}),
        fits=fits_sums,
        overlap=fours_overlap,
        rounded=True,
        weights=frozenset({dtype}),
        goals=frozenset({"size"}),  # with bytes they are two to three times as fast
        lacks=DSP,
    )


def narrow_conv2d_rows() -> tuple[Kernel, ...]:
    """Rows of convolutions in one group, of any window."""
    return tuple(
        row for kind in KINDS for row in (_conv2d_row(kind, "thumb2"), _conv2d_row(kind, "thumb", "thumb/store.c"))
    )


def narrow_fully_connected_rows() -> tuple[Kernel, ...]:
    """Rows of fully connected layers."""
    return *map(_fully_connected_row, KINDS), *map(_codes_row, (DType.CODE4, DType.CODE2))

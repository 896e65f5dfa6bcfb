"""How far outputs may overlap inputs: right at the distances that rows declare, and wrong one step closer."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import pytest
from c_program import calls
from cases import PLAIN, all_cases, of_ports
from distances import find

from edgeq.isa import FEATURES
from edgeq.target import load_target

pytestmark = pytest.mark.slow
PARTS = ("conv_parts", "mat_mul", "mat_mul_const_a", "mat_mul_const_b")
WIDE = (
    *(
        f"eq_{part}_{isa}_{rounding}"
        for part in PARTS
        for isa in ("neon", "dotprod")
        for rounding in ("fast", "double")
    ),
    *("eq_concat_neon", "eq_transpose_neon", "eq_transpose_avx2"),
    *(f"eq_resize_{mode}_{isa}" for mode in ("bilinear", "nearest") for isa in ("neon", "avx2")),
)
SEARCHES = (
    *(f"eq_top_{kind}_ref" for kind in ("indices", "values", "indices_float32", "values_float32", "values_int16")),
    *("eq_non_max_suppression_ref", "eq_non_max_suppression_float32_ref"),
    *(f"eq_roi_align{constant}{kind}_ref" for constant in ("", "_const") for kind in ("", "_float32")),
    *("eq_sample_at_ref", "eq_sample_at_float32_ref"),
)
TRANSFORMS = (
    *(f"eq_{name}_ref" for name in ("rfft", "irfft", "spectrum", "sample_spectrum", "sample_statistics")),
    "eq_rfft_dsp",
)
AT_RUN_TIME = tuple(
    f"eq_mat_mul_dynamic{constant}_{isa}"
    for constant in ("", "_const_a", "_const_b")
    for isa in ("ref", "dsp", "mve", "neon", "dotprod", "avx2")
)
APART = {
    **dict.fromkeys(SEARCHES, "they look at every element again for each result, and ask for places apart"),
    **dict.fromkeys(TRANSFORMS, "they read samples in another order than they write values"),
    "eq_signal_stack_ref": "it reads the frame and the count to the end, and asks for places apart",
    "eq_split_ref": "the planner keeps several outputs apart from what is read",
    **dict.fromkeys(
        (f"eq_mat_mul_stored_const_{operand}_ref" for operand in "ab"),
        "they compute four rows or columns of the whole result, then the next four",
    ),
    **dict.fromkeys(AT_RUN_TIME, "they bring whole matrices to integers before the first product is written"),
    **dict.fromkeys(WIDE, "they read and write wide, in an order that depends on the shape, and ask for places apart"),
}
"""Kernels of which an output never lies over an input, and why."""
UNSEEN = {
    *(f"eq_{relation}_{row}_float32" for relation in ("equal", "not_equal") for row in ("ref", "const_ref")),
    *(f"eq_select_{kind}_ref" for kind in ("float32", "int16")),
    *(f"eq_filter_bank_square_root_{kind}" for kind in ("ref", "dsp")),
    *("eq_fully_connected_grouped_int16_ref", "eq_fully_connected_grouped_zeros_int16_ref"),
    *(f"eq_{name}_ref" for name in ("gather_at", "gather_at_int16", "embed", "embed_int16")),
    *(f"eq_masked_softmax_at_{kind}" for kind in ("int16_ref", "ref_fast", "ref_double")),
    *("eq_quantize_int16_ref", "eq_quantize_int16_ref_away"),
    *(f"eq_requantize_{kind}" for kind in ("from_int16_ref", "int16_int8_ref_double")),
    *(f"eq_requantize_int32_int8_ref_{rounding}" for rounding in ("fast", "double")),
    *(f"eq_whole_to_real_{kind}" for kind in ("ref_fast", "ref_double", "int16_ref")),
}
"""Kernels whose results random numbers hardly change: such are never equal, never zero, masks in which all that count
are alike, places beyond a table of which only the sign matters, and elements whose low bytes make no difference. Others
walk alike."""


def test_distances(tmp_path: Path) -> None:
    """All kernels, those of instruction sets by what these mean in C, with the plain cases: tried once for all of this.

    No result is wrong from the declared distance on. For each input of each kernel there is a case of which the
    distance could not be less. A kernel that works at one distance only does there, and not in the steps beside.
    """
    plain = [case for case in all_cases() if f"/{PLAIN}/" in case.name]
    without_dsp = tuple(c for c in calls(plain, load_target("cortex-m3").isa) if c.kernel.lacks)
    assert without_dsp != ()
    distances, beside = find(tmp_path, (*calls([*plain, *of_ports()], frozenset(FEATURES)), *without_dsp))
    assert [d for d in distances if d.found > d.declared] == []
    rows = groupby(sorted(distances, key=lambda d: (d.function, d.input)), key=lambda d: (d.function, d.input))
    loose = {row for row, cases in rows if all(d.found < d.declared for d in cases)}
    assert {function for function, _ in loose} == APART.keys() | UNSEEN
    assert [b for b in beside if not b.right] == []
    functions = {b.function for b in beside}
    assert functions - {b.function for b in beside if b.wrong_beside == 2} == set()
    assert any("_3x3_dsp" in f for f in functions) and any("_4x4_mve" in f for f in functions)

"""Rows of front ends of sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgeq.ir.kernel import Kernel, Param
from edgeq.ir.site import Site
from edgeq.kernels.dsp.isa import DSP
from edgeq.numerics.signal import twiddles
from edgeq.ops._whole import WholeOp
from edgeq.ops.energy import Energy
from edgeq.ops.fft_auto_scale import FftAutoScale
from edgeq.ops.filter_bank_square_root import FilterBankSquareRoot
from edgeq.ops.rfft import Rfft
from edgeq.ops.rfft import lower as lower_ref
from edgeq.ops.signal_window import SignalWindow


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_rfft_dsp`: twiddles in the order in which its stages read them."""
    half = site.outputs[0].shape[-2] - 1
    roots, tables = twiddles(half), []
    m = 4 if half.bit_length() % 2 else 2
    while m < half:
        places = np.outer(np.arange(1, m), np.arange(1, 4)) * (half // (4 * m))
        tables.append(roots[places].reshape(-1))
        m *= 4
    return {**lower_ref(site), "twiddles": np.concatenate(tables) if tables else 0}


def rfft_row() -> Kernel:
    """The row of the transform."""
    (portable,) = Rfft.kernels
    return replace(
        portable,
        function="eq_rfft_dsp",
        sources=("dsp/rfft.c",),
        header="eq/signal_dsp.h",
        struct="eq_rfft_dsp_params",
        lower=lower,
        isa=DSP,
        fits=has_quarters,
    )


def has_quarters(site: Site) -> bool:
    """The transform has at least 8 samples."""
    return site.outputs[0].shape[-2] > 4


def alike(op: type[WholeOp], name: str) -> Kernel:
    """A row with the parameters of the portable one."""
    (portable,) = op.kernels
    return replace(portable, function=f"eq_{name}_dsp", sources=(f"dsp/{name}.c",), header="eq/signal_dsp.h", isa=DSP)


def window_row() -> Kernel:
    """The row of windows."""
    return alike(SignalWindow, "signal_window")


def energy_row() -> Kernel:
    """The row of energies."""
    return alike(Energy, "energy")


def root_row() -> Kernel:
    """The row of square roots."""
    return alike(FilterBankSquareRoot, "filter_bank_square_root")


def scale_row() -> Kernel:
    """The row of factors that fill 16 bits."""
    return alike(FftAutoScale, "fft_auto_scale")

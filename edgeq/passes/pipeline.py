"""The order of the passes: stated here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgeq.errors import InternalError, ModelError
from edgeq.ir.graph import Graph
from edgeq.ir.observe import Observe, unobserved
from edgeq.ir.verify import verify
from edgeq.passes.canonicalize import canonicalize
from edgeq.passes.eliminate_constant_channels import eliminate_constant_channels
from edgeq.passes.eliminate_reshapes import eliminate_reshapes
from edgeq.passes.eliminate_transposes import eliminate_transposes
from edgeq.passes.fold_affine import fold_affine
from edgeq.passes.fold_constants import fold_constants
from edgeq.passes.fuse_activations import fuse_activations
from edgeq.passes.fuse_functions import fuse_functions
from edgeq.passes.fuse_pad import fuse_pad
from edgeq.passes.fuse_requantize import fuse_requantize
from edgeq.passes.fuse_spectrum import fuse_spectrum
from edgeq.passes.mask_softmax import mask_softmax
from edgeq.passes.merge_tables import merge_tables
from edgeq.passes.propagate_annotations import propagate_annotations
from edgeq.passes.recognize_functions import recognize_functions
from edgeq.passes.recognize_normalizations import recognize_normalizations
from edgeq.passes.recognize_shifts import recognize_shifts
from edgeq.passes.recognize_softmax import recognize_softmax
from edgeq.passes.share_values import share_values
from edgeq.passes.simplify import simplify
from edgeq.passes.store_outputs import store_outputs

Pass = Callable[[Graph], Graph]

FLOAT_PASSES: tuple[Pass, ...] = (
    fold_constants,
    propagate_annotations,
    recognize_shifts,
    simplify,
    share_values,
    recognize_normalizations,
    recognize_softmax,
    fuse_spectrum,
    recognize_functions,
    canonicalize,
    mask_softmax,
    eliminate_reshapes,
    eliminate_transposes,
    fold_affine,
    fuse_pad,
    fuse_activations,
    fuse_functions,
)
"""Before quantization."""

REAL_PASSES: tuple[Pass, ...] = tuple(
    rewriting
    for rewriting in FLOAT_PASSES
    if rewriting not in (propagate_annotations, recognize_shifts, mask_softmax, fuse_functions)
)
"""Before a model that stays in float32: those whose operators also compute with real numbers."""

INTEGER_PASSES: tuple[Pass, ...] = (
    fold_constants,
    simplify,
    eliminate_reshapes,
    eliminate_transposes,
    fuse_pad,
    fuse_activations,
    merge_tables,
    fuse_requantize,
    eliminate_constant_channels,
    share_values,
)
"""After quantization: all of them exact."""

FINISHING_PASSES: tuple[Pass, ...] = (store_outputs,)
"""Once, after the integer passes, which would undo them."""

ROUNDS = 8
"""A pass can make work for one before it; real models need two or three rounds."""


def _run(graph: Graph, passes: tuple[Pass, ...], observe: Observe) -> Graph:
    for _ in range(ROUNDS):
        before = graph.nodes
        for rewriting in passes:
            graph = verify(rewriting(graph), InternalError, rewriting.__name__)
            observe(rewriting.__name__, graph)
        if graph.nodes == before:
            break
    return graph


@np.errstate(over="ignore", divide="ignore", invalid="ignore")  # quantization reports what became NaN or infinite
def optimize_float(graph: Graph, observe: Observe = unobserved) -> Graph:
    """A graph as imported → the same function of its inputs, up to float32 rounding, ready for quantization.

    What a model prescribes by quantization parameters is computed exactly as it prescribes. `observe` is called after
    every pass of every round.

    Raises:
        ModelError: the graph is not well formed.
    """
    return _run(verify(graph, ModelError, "import"), FLOAT_PASSES, observe)


@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def optimize_real(graph: Graph, observe: Observe = unobserved) -> Graph:
    """A graph as imported, without quantization parameters → the same function, ready to stay in float32.

    Raises:
        ModelError: the graph is not well formed.
    """
    return _finished(_run(verify(graph, ModelError, "import"), REAL_PASSES, observe), observe)


def optimize_integer(graph: Graph, observe: Observe = unobserved) -> Graph:
    """A quantized graph → one with exactly the same outputs for all inputs.

    `observe` is called after every pass of every round.

    Raises:
        InternalError: the graph is not well formed.
    """
    return _finished(_run(verify(graph, InternalError, "quantization"), INTEGER_PASSES, observe), observe)


def _finished(graph: Graph, observe: Observe) -> Graph:
    """The graph after the finishing passes."""
    for finishing in FINISHING_PASSES:
        finished = verify(finishing(graph), InternalError, finishing.__name__)
        if finished is not graph:
            observe(finishing.__name__, finished)
        graph = finished
    return graph

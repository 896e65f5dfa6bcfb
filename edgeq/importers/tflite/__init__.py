"""TensorFlow Lite → Graph: float models, int8 models (per channel), and the older uint8 ones (asymmetric weights)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edgeq.errors import EdgeqError, ModelError, UsageError
from edgeq.importers.budget import Budget, LimitError
from edgeq.importers.cut import Cut
from edgeq.importers.narrow import with_narrow_weights
from edgeq.importers.problems import DEFAULT_HINT, all_in_one
from edgeq.importers.problems import Problem as Unsupported
from edgeq.importers.tflite import (  # they register their handlers
    blocks,
    convolution,
    detection,
    elementwise,
    loops,
    movement,
    picked,
    recurrent,
    signal,
    spelled,
    states,
    truth,
    whole,
)
from edgeq.importers.tflite.builder import Builder
from edgeq.importers.tflite.cut import cut_model
from edgeq.importers.tflite.fold import FOLDERS, fold
from edgeq.importers.tflite.hints import hint_for
from edgeq.importers.tflite.islands import settle_islands
from edgeq.importers.tflite.places import without_wraps
from edgeq.importers.tflite.raw import AGAIN, PACKED, Problem, RawModel, RawOp, shortened
from edgeq.importers.tflite.reader import read
from edgeq.importers.tflite.registry import HANDLERS
from edgeq.importers.tflite.states import WITHOUT_INPUT, WITHOUT_OUTPUT
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Shape
from edgeq.warnings import warn

__all__ = ["HANDLER_MODULES", "import_bytes", "import_raw", "load"]

HANDLER_MODULES = (
    blocks,
    convolution,
    detection,
    elementwise,
    loops,
    movement,
    picked,
    recurrent,
    signal,
    spelled,
    states,
    truth,
    whole,
)


def load(path: str | Path, input_shapes: Mapping[str, Shape] | None = None, cut: Cut | None = None) -> Graph:
    """Read a .tflite file, or the part that `cut` names; all else as in `edgeq.importers.load`."""
    file = Path(path)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the file cannot be read: {error.strerror}", hint="check the path and its permissions", where=str(path)
        ) from error
    return import_bytes(data, file.stem, input_shapes, where=str(path), cut=cut)


def import_bytes(
    data: bytes,
    name: str,
    input_shapes: Mapping[str, Shape] | None = None,
    where: str | None = None,
    cut: Cut | None = None,
) -> Graph:
    """Import a model from the bytes of its file.

    Args:
        data: the file.
        name: name of the graph.
        input_shapes: as in `edgeq.importers.load`.
        where: what messages call the file; by default `name`.
        cut: the part that is wanted; by default all.

    Raises:
        ModelError, UsageError: as in `edgeq.importers.load`.
    """
    place = name if where is None else where
    budget = Budget()
    return import_raw(read(data, place, budget), name, input_shapes, place, cut, budget)[0]


def import_raw(
    model: RawModel,
    name: str,
    input_shapes: Mapping[str, Shape] | None = None,
    where: str = "",
    cut: Cut | None = None,
    budget: Budget | None = None,
) -> tuple[Graph, dict[int, str]]:
    """Import a model that was read, or a part of it; also returns the value that each of its tensors became.

    Raises:
        ModelError, UsageError: as in `edgeq.importers.load`.
    """
    if cut:
        model = cut_model(model, cut, where)
    try:
        model = without_wraps(model)
        builder = Builder(model, name, dict(input_shapes or {}), budget)
        problems = _import_operators(builder)
        if problems:
            raise all_in_one(problems, "operators", where)
        if builder.widened:
            _tell_widened(len(builder.widened), where)
        settle_islands(builder)
        builder.outputs()
        graph = builder.editor.finish()
        for bits in sorted({PACKED[t.dtype] for t in model.tensors if t.dtype in PACKED}):
            graph = with_narrow_weights(graph, bits)
        return graph, builder.values
    except Problem as problem:
        raise ModelError(problem.reason, hint=problem.hint or DEFAULT_HINT, where=where) from problem
    except LimitError as error:
        error.where = error.where or where
        raise
    except EdgeqError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise ModelError(
            f"the file cannot be imported ({type(error).__name__}: {error})",
            hint="it is damaged or unusual; export it again",
            where=where,
        ) from error


def _tell_widened(count: int, where: str) -> None:
    """Say what becomes of layers with integer weights and real activations."""
    layers = "1 layer has" if count == 1 else f"{count} layers have"
    warn(
        f"{layers} weights of few bits and real activations: they are computed in float32, with the numbers that the "
        "integers stand for",
        "calibration data quantize all of the model; --numerics float --float-weight-bits 8 keeps such weights, and "
        "--dynamic also quantizes activations at run time, as LiteRT does",
        where,
    )


def _label(builder: Builder, op: RawOp) -> str:
    name = shortened(builder.model.tensors[op.outputs[0]].name) if op.outputs else "without output"
    return f"#{op.index} {name}"


def _import_operators(builder: Builder) -> list[Unsupported]:
    """Import every operator; those that cannot be imported are listed, and those that depend on them are skipped."""
    problems: list[Unsupported] = []
    lost: set[int] = set(builder.refused)
    whole = bool(builder.model.inputs and builder.model.outputs)
    for op in builder.model.ops:
        why: Problem | None = None
        builder.budget.pause()
        if op.kind not in HANDLERS and op.kind not in FOLDERS:
            why = Problem(f"the operator {op.kind} is not supported", hint_for(op.kind))
        elif not whole:
            why = None
        elif any(i in builder.refused for i in op.inputs):
            why = next(builder.refused[i] for i in op.inputs if i in builder.refused)
        elif not any(i in lost for i in op.inputs):
            why = _import_operator(builder, op)
        if why is not None:
            problems.append(Unsupported(_label(builder, op), op.kind, why.reason, why.hint or DEFAULT_HINT))
        lost.update(o for o in op.outputs if not _is_known(builder, o))
    if not whole and not problems:
        raise Problem("the model has no input or no output", "export the model with both; edgeq runs no constants")
    return problems


def _is_known(builder: Builder, tensor: int) -> bool:
    return tensor in builder.values or tensor in builder.references or builder.is_constant(tensor)


def _import_operator(builder: Builder, op: RawOp) -> Problem | None:
    if not op.outputs and op.kind not in WITHOUT_OUTPUT:
        return Problem("it has no output")
    try:
        if fold(builder, op):
            return None
        if op.kind not in HANDLERS:
            return Problem(f"the operator {op.kind} is supported only on constants", hint_for(op.kind))
        if not op.inputs and op.kind not in WITHOUT_INPUT:
            return Problem("it has no input", AGAIN)
        HANDLERS[op.kind](builder, op)
        idle = [o for o in op.outputs if not _is_known(builder, o)]
        if idle:
            return Problem(
                f"it has {len(op.outputs)} outputs, of which it computes {len(op.outputs) - len(idle)}", AGAIN
            )
    except Problem as problem:
        return problem
    except LimitError:
        raise
    except ModelError as error:
        return Problem(error.message, error.hint)
    except IndexError:
        return Problem(f"it has {len(op.inputs)} inputs, too few", AGAIN)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        return Problem(f"its operands do not fit it ({type(error).__name__}: {error})", AGAIN)
    return None

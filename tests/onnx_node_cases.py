"""ONNX's own test cases of operators (onnx.backend.test), as models with static inputs, through the importer.

A case feeds every input at run time; a network does not: shapes, axes, bounds and mostly weights are constants of the
file. So a case is tried in several forms, each of which must give the expected output or be refused.

From the command line: `python tests/onnx_node_cases.py [PART_OF_A_NAME …]` prints what is refused and what is wrong.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper

from edgeq.errors import EdgeqError
from edgeq.importers import load
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import DType
from edgeq.passes.pipeline import optimize_float
from edgeq.simulator import run_float

Array = npt.NDArray[Any]
REAL = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16}
GIVEN = REAL | {TensorProto.BOOL}
HALF = {TensorProto.FLOAT16, TensorProto.BFLOAT16}
CONSTANT = "no input is computed"
"""The form in which a node is folded when the model is read; it alone counts where results have no static shape."""
MOST_SUBSETS = 6
"""Inputs up to which every choice of computed ones is tried, where the usual forms are refused."""


@dataclass(frozen=True)
class Outcome:
    """What became of a case: per form, "" where the numbers are right, else "refused: …" or "wrong: …"."""

    name: str
    operator: str
    forms: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Right in at least one form, and wrong in none."""
        return any(not said for said in self.forms.values()) and not self.wrong

    @property
    def folded(self) -> bool:
        """It passes only where all inputs are constant."""
        return self.passed and all(said for form, said in self.forms.items() if form != CONSTANT)

    @property
    def wrong(self) -> list[str]:
        """Forms with numbers, or failures, that are no refusals."""
        return [f"{form}: {said}" for form, said in self.forms.items() if said and not said.startswith("refused")]


@cache
def cases() -> list[Any]:
    """Every case."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [c for c in collect_testcases(None) if c.model is not None]


def unlike(case: Any) -> str:
    """Why a case cannot be tried: what it exchanges is no tensor of numbers. "" where it can."""
    kinds = {i.type.WhichOneof("value") for i in (*case.model.graph.input, *case.model.graph.output)}
    types = {i.type.tensor_type.elem_type for i in (*case.model.graph.input, *case.model.graph.output)}
    if kinds != {"tensor_type"} or any(
        isinstance(d, list) or d is None for feeds, expected in case.data_sets for d in (*feeds, *expected)
    ):
        return "refused: it is about sequences"
    return "refused: it is about texts" if TensorProto.STRING in types else ""


def _kind(graph: Any, k: int) -> int:
    return int(graph.input[k].type.tensor_type.elem_type)


def _forms(case: Any) -> Iterator[tuple[str, set[int]]]:
    """Names of forms, and the inputs that are fed at run time in them."""
    graph = case.model.graph
    real = [k for k in range(len(graph.input)) if _kind(graph, k) in GIVEN]
    whole = [k for k in range(len(graph.input)) if _kind(graph, k) not in GIVEN]
    if whole:
        yield "all inputs are computed", {*real, *whole}
        yield "the first whole input is computed", {whole[0]}
    if not real:
        return
    yield "all real inputs are computed", {*real}
    if len(real) > 1:
        yield "the first input is computed", {real[0]}
        if len(real) > 2:
            yield "the first two inputs are computed", {*real[:2]}
        yield "the last input is computed", {real[-1]}


def _other_forms(case: Any, tried: Sequence[set[int]]) -> Iterator[tuple[str, set[int]]]:
    """Other choices of computed inputs, most of them first; none at last."""
    inputs = range(len(case.model.graph.input))
    for size in range(len(inputs) if len(inputs) <= MOST_SUBSETS else 1, 0, -1):
        for computed in map(set, combinations(inputs, size)):
            if computed not in tried:
                yield f"inputs {sorted(computed)} are computed", computed
    yield CONSTANT, set()


def model_of(case: Any, computed: set[int], feeds: Sequence[Array]) -> Any:
    """The case's model with static shapes; all inputs that are not computed are initializers.

    One without inputs gets one, which nothing reads.
    """
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    graph = model.graph
    inputs = list(graph.input)
    del graph.input[:]
    for k, (info, data) in enumerate(zip(inputs, feeds, strict=True)):
        kind = info.type.tensor_type.elem_type
        if k in computed:
            graph.input.append(onnx.helper.make_tensor_value_info(info.name, kind, data.shape))
        else:
            tensor = case.data_sets[0][0][k]
            graph.initializer.append(tensor if isinstance(tensor, TensorProto) else numpy_helper.from_array(data))
            graph.initializer[-1].name = info.name
    if not computed:
        graph.input.append(onnx.helper.make_tensor_value_info("nothing", TensorProto.FLOAT, (1,)))
    return model


def arrays(tensors: Sequence[Any]) -> list[Array]:
    """The arrays of a case's data."""
    return [numpy_helper.to_array(t) if isinstance(t, TensorProto) else np.asarray(t) for t in tensors]


def real_of(graph: Graph, name: str, x: Array, case: Any) -> Array:
    """An array of the case as the float simulation has it: quantized integers as the real numbers they stand for.

    16 bits are symmetric in edgeq, so that parameters of another zero point are those of the case's own node.
    """
    type = graph.type(name)
    integers = str(x.dtype).startswith(("int", "uint"))
    if type.is_whole and integers:
        whole = x.astype(np.int32)
        assert (whole == x).all() or x.dtype.kind == "V", "refused: it has numbers beyond 32 bits"
        return whole
    if type.q is None or not integers:
        return x.astype(np.float32)
    if x.dtype.itemsize == 2:
        scale, offset = arrays(case.data_sets[0][0])[1:3]
        return (x.astype(np.float32) - offset.astype(np.float32)) * scale
    return type.q.dequantize(x.astype(np.int64) - (128 if graph.ports.get(name) is DType.UINT8 else 0))


def _compare(graph: Graph, name: str, found: Array, wanted: Array, case: Any, rtol: float, atol: float) -> None:
    """That an output is the expected one; integers that stand for real numbers are the nearest."""
    assert found.shape == wanted.shape, f"shape {found.shape}, not {wanted.shape}"
    type = graph.type(name)
    expected = real_of(graph, name, wanted, case).astype(np.float64)
    if type.q is not None and str(wanted.dtype).startswith(("int", "uint")):
        limits = np.iinfo(wanted.dtype)
        low, high = real_of(graph, name, np.array([limits.min, limits.max], wanted.dtype), case)
        found = np.clip(found, low, high)  # an output saturates
        atol = max(atol, 0.5001 * float(high - low) / (2 ** (8 * wanted.dtype.itemsize) - 1))
    sums = 1e-7 * float(np.abs(expected).max(initial=0.0))  # of terms as great
    np.testing.assert_allclose(
        np.asarray(found, np.float64), expected, rtol=rtol, atol=max(atol, sums if np.isfinite(sums) else 0.0)
    )


def _try(case: Any, computed: set[int], folder: Path) -> str:
    infos = (*case.model.graph.input, *case.model.graph.output)
    half = any(i.type.tensor_type.elem_type in HALF for i in infos)
    rtol, atol = max(case.rtol, 2e-2 if half else 0), max(case.atol, 1e-2 if half else 2e-6)
    for feeds, expected in case.data_sets:
        given = arrays(feeds)
        path = folder / "case.onnx"
        path.write_bytes(model_of(case, computed, given).SerializeToString())
        try:
            graph = load(path)
            optimized = optimize_float(graph)
            names = [case.model.graph.input[k].name for k in sorted(computed)]
            fed = {n: real_of(graph, n, given[k], case) for n, k in zip(names, sorted(computed), strict=True)}
            if not computed:
                fed = {"nothing": np.zeros(1, np.float32)}
            for made in (graph, optimized):
                found = run_float(made, fed)
                if made is graph and any(np.isnan(found[n]).any() for n in made.outputs):
                    continue  # a softmax of nothing, which something hides: passes take both away
                for name, info, wanted in zip(made.outputs, case.model.graph.output, arrays(expected), strict=True):
                    assert name == info.name
                    y = found[name]
                    if case.model.graph.node[0].op_type == "NonMaxSuppression":  # as many rows as there could be
                        assert (y[len(wanted) :] == -1).all()
                        y = y[: len(wanted)]
                    _compare(made, name, y, wanted, case, rtol, atol)
        except EdgeqError as error:
            return f"refused: {type(error).__name__} {error.message}".splitlines()[0]
        except AssertionError as error:
            said = " ".join(str(error).split())[:160]
            return said if said.startswith("refused") else f"wrong: {said}"
        except Exception as error:  # an outcome like any other
            return f"wrong: {type(error).__name__} {error}"
    return ""


def forms_of(case: Any) -> Iterator[tuple[str, set[int]]]:
    """All forms of a case, the usual ones first."""
    usual = list(_forms(case))
    yield from usual
    yield from _other_forms(case, [c for _, c in usual])


def outcome_of(case: Any, folder: Path) -> Outcome:
    """What becomes of a case: in the usual forms, and if it passes in none, in others until one is right."""
    operator = case.model.graph.node[0].op_type
    why = unlike(case)
    if why:
        return Outcome(case.name, operator, {"": why})
    usual = list(_forms(case))
    forms = {name: _try(case, computed, folder) for name, computed in usual}
    for name, computed in _other_forms(case, [c for _, c in usual]):
        if any(not said for said in forms.values()):
            break
        forms[name] = _try(case, computed, folder)
    return Outcome(case.name, operator, forms)


def outcomes(part: Sequence[str] = ()) -> list[Outcome]:
    """What becomes of all cases, or of those whose names hold one of `part`."""
    found = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in cases():
            if part and not any(p in case.name for p in part):
                continue
            found.append(outcome_of(case, Path(folder)))
    return found


def main() -> None:
    """Print what is wrong and what is refused, and counts."""
    found = outcomes(sys.argv[1:])
    refused = [o for o in found if not o.passed and not o.wrong]
    for outcome in refused:
        print("refused", outcome.operator, outcome.name, "|", next(iter(outcome.forms.values())))
    for outcome in found:
        for said in outcome.wrong:
            print("WRONG  ", outcome.operator, outcome.name, "|", said)
    print("refused by operator:", dict(Counter(o.operator for o in refused).most_common()))
    folded = sum(o.folded for o in found)
    print(
        len(found),
        "cases,",
        sum(o.passed for o in found),
        f"pass, {folded} of them with constants,",
        len(refused),
        "are refused,",
        end=" ",
    )
    print(sum(bool(o.wrong) for o in found), "are wrong")


if __name__ == "__main__":
    main()

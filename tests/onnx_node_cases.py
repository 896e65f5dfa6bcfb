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
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper

from edgeq.errors import EdgeqError
from edgeq.importers import load
from edgeq.passes.pipeline import optimize_float
from edgeq.simulator import run_float

Array = npt.NDArray[Any]
REAL = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16}
GIVEN = REAL | {TensorProto.BOOL}
WHOLE = {TensorProto.INT64, TensorProto.INT32}
TAKEN = GIVEN | WHOLE
HALF = {TensorProto.FLOAT16, TensorProto.BFLOAT16}


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
    def wrong(self) -> list[str]:
        """Forms with numbers, or failures, that are no refusals."""
        return [f"{form}: {said}" for form, said in self.forms.items() if said and not said.startswith("refused")]


@cache
def cases() -> list[Any]:
    """Every case that makes real or whole numbers, or truth values, of such."""
    from onnx.backend.test.case.node import collect_testcases

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [c for c in collect_testcases(None) if c.model is not None and _about_reals(c.model.graph)]


def _about_reals(graph: Any) -> bool:
    kinds = [i.type.WhichOneof("value") for i in (*graph.input, *graph.output)]
    computed = [i.type.tensor_type.elem_type in TAKEN for i in graph.input]
    return set(kinds) == {"tensor_type"} and any(computed) and graph.output[0].type.tensor_type.elem_type in TAKEN


def _forms(case: Any) -> Iterator[tuple[str, set[int]]]:
    """Names of forms, and the inputs that are fed at run time in them."""
    graph = case.model.graph
    real = [k for k, i in enumerate(graph.input) if i.type.tensor_type.elem_type in GIVEN]
    whole = [k for k, i in enumerate(graph.input) if i.type.tensor_type.elem_type in WHOLE]
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


def _model(case: Any, computed: set[int], feeds: Sequence[Array]) -> Any:
    """The case's model with static shapes; all inputs that are not computed are initializers."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    graph = model.graph
    inputs = list(graph.input)
    del graph.input[:]
    for k, (info, data) in enumerate(zip(inputs, feeds, strict=True)):
        if k in computed:
            kind = info.type.tensor_type.elem_type
            graph.input.append(onnx.helper.make_tensor_value_info(info.name, kind, data.shape))
        else:
            graph.initializer.append(numpy_helper.from_array(data, info.name))
    return model


def _try(case: Any, computed: set[int], folder: Path) -> str:
    for feeds, expected in case.data_sets:
        if any(isinstance(d, list) or d is None for d in (*feeds, *expected)):
            return "refused: it is about sequences"
        arrays = [numpy_helper.to_array(f) if isinstance(f, TensorProto) else np.asarray(f) for f in feeds]
        model = _model(case, computed, arrays)
        path = folder / "case.onnx"
        path.write_bytes(model.SerializeToString())
        try:
            graph = load(path)
            optimized = optimize_float(graph)
            fed = {
                i.name: x if i.type.tensor_type.elem_type in WHOLE else x.astype(np.float32)
                for i, x in ((case.model.graph.input[k], arrays[k]) for k in sorted(computed))
            }
            half = any(
                i.type.tensor_type.elem_type in HALF for i in (*case.model.graph.input, *case.model.graph.output)
            )
            rtol, atol = max(case.rtol, 2e-2 if half else 0), max(case.atol, 1e-2 if half else 2e-6)
            for made in (graph, optimized):
                found = run_float(made, fed)
                if made is graph and any(np.isnan(found[n]).any() for n in made.outputs):
                    continue  # a softmax of nothing, which something hides: passes take both away
                for name, info, wanted in zip(made.outputs, case.model.graph.output, expected, strict=True):
                    assert name == info.name
                    wanted = numpy_helper.to_array(wanted) if isinstance(wanted, TensorProto) else np.asarray(wanted)
                    assert found[name].shape == wanted.shape, f"shape {found[name].shape}, not {wanted.shape}"
                    sums = 1e-7 * float(np.abs(wanted, dtype=np.float64).max(initial=0.0))  # of terms as great
                    np.testing.assert_allclose(
                        np.asarray(found[name], np.float64),
                        wanted.astype(np.float64),
                        rtol=rtol,
                        atol=max(atol, sums if np.isfinite(sums) else 0.0),
                    )
        except EdgeqError as error:
            return f"refused: {type(error).__name__} {error.message}".splitlines()[0]
        except AssertionError as error:
            return "wrong: " + " ".join(str(error).split())[:160]
        except Exception as error:  # an outcome like any other
            return f"wrong: {type(error).__name__} {error}"
    return ""


def outcomes(part: Sequence[str] = ()) -> list[Outcome]:
    """What becomes of all cases, or of those whose names hold one of `part`."""
    found = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in cases():
            if part and not any(p in case.name for p in part):
                continue
            operator = case.model.graph.node[0].op_type
            forms = {name: _try(case, computed, Path(folder)) for name, computed in _forms(case)}
            found.append(Outcome(case.name, operator, forms))
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
    print(len(found), "cases,", sum(o.passed for o in found), "pass,", len(refused), "are refused,", end=" ")
    print(sum(bool(o.wrong) for o in found), "are wrong")


if __name__ == "__main__":
    main()

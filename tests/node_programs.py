"""Many of ONNX's own test cases as few programs: each is a part of a graph and shares nothing with the others.

So kernels are compiled once, and not for each case. What a case is fed it is calibrated and verified with. Which cases
can be built is stored in `node_programs.txt`; `python tests/node_programs.py` writes it anew.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from onnx_node_cases import Array, arrays, cases, forms_of, model_of, real_of, unlike

import edgeq
from edgeq.api.flow import QuantizedModel
from edgeq.errors import EdgeqError
from edgeq.importers import load
from edgeq.ir.graph import Graph, GraphEditor, State
from edgeq.passes.pipeline import optimize_float, optimize_integer
from edgeq.quantize.pipeline import quantize

LIST = Path(__file__).with_suffix(".txt")
MOST_ELEMENTS = 1024
"""Of one input of a case: what is larger takes long and shows no more."""
MOST_NODES = 24
"""Of a case's graph."""
SAMPLES = 2


@dataclass(frozen=True, eq=False)
class Part:
    """A case that is built.

    Attributes:
        case: its name.
        graph: its float graph.
        data: samples of every input, (SAMPLES, …): the case's own, and the same elements in the opposite order.
    """

    case: str
    graph: Graph
    data: Mapping[str, Array]


def _samples(graph: Graph, name: str, x: Array) -> Array:
    flat = np.atleast_1d(x).ravel()
    return np.stack([flat, flat[::-1]]).reshape(SAMPLES, *graph.type(name).shape)


def part_of(case: Any, computed: set[int], folder: Path) -> Part:
    """A case with some inputs at run time.

    Raises:
        EdgeqError: it is refused.
    """
    given = arrays(case.data_sets[0][0])
    path = folder / "case.onnx"
    path.write_bytes(model_of(case, computed, given).SerializeToString())
    graph = load(path)
    fed = {case.model.graph.input[k].name: given[k] for k in sorted(computed)}
    return Part(case.name, graph, {n: _samples(graph, n, real_of(graph, n, x, case)) for n, x in fed.items()})


def joined(parts: Sequence[Part], name: str) -> tuple[Graph, dict[str, Array]]:
    """All parts as one graph, and its samples; names begin with the number of the part."""
    editor, data = GraphEditor(name), dict[str, Array]()
    for number, part in enumerate(parts):
        graph, prefix = part.graph, f"c{number}_"
        for value in graph.values.values():
            editor.values[prefix + value.name] = replace(value, name=prefix + value.name)
        for node in graph.nodes:
            editor.nodes[prefix + node.name] = replace(
                node,
                name=prefix + node.name,
                inputs=tuple(None if i is None else prefix + i for i in node.inputs),
                outputs=tuple(prefix + o for o in node.outputs),
            )
        editor.inputs += [prefix + n for n in graph.inputs]
        editor.outputs += [prefix + n for n in graph.outputs]
        editor.ports |= {prefix + n: t for n, t in graph.ports.items()}
        editor.outside |= {prefix + n: q for n, q in graph.outside.items()}
        editor.states += [State(prefix + s.input, prefix + s.output) for s in graph.states]
        data |= {prefix + n: x.reshape(-1, *x.shape[2:]) if x.ndim > 1 else x for n, x in part.data.items()}
    return editor.finish(), data


def listed() -> dict[str, set[int]]:
    """Names of the cases that can be built, with the inputs that they have at run time."""
    rows = (line.split() for line in LIST.read_text().splitlines())
    return {name: {int(k) for k in numbers.split(",")} for name, numbers in rows}


@dataclass(frozen=True, eq=False)
class Batch:
    """Cases as one model.

    Attributes:
        name: of the model.
        count: of its cases.
        model: quantized.
        data: samples by input.
    """

    name: str
    count: int
    model: QuantizedModel
    data: Mapping[str, Array]


def batches(size: int) -> Iterator[Batch]:
    """The cases of the list as models, `size` cases in each."""
    wanted, every = listed(), {c.name: c for c in cases()}
    names = [n for n in wanted if n in every]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for start in range(0, len(names), size):
            parts = [part_of(every[n], wanted[n], Path(folder)) for n in names[start : start + size]]
            graph, data = joined(parts, f"cases{start // size}")
            yield Batch(graph.name, len(parts), edgeq.quantize(graph, data), data)


def verified(chosen: Sequence[Batch], target: str, folder: Path) -> dict[str, int]:
    """Samples with a mismatch, by model, of one program of all of them for a target."""
    isa = "x86-64" if target == "host" else None  # which vectors add many tensors exactly takes long to find out
    options = [edgeq.BuildOptions(model=f"{b.name}.onnx", target=target, isa=isa, output=folder) for b in chosen]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        edgeq.build_models(options, quantized_models=[b.model for b in chosen])
        found = {b.name: edgeq.verify(folder, b.data, model=b.name) for b in chosen}
    assert all(result["samples"] == SAMPLES for result in found.values())
    return {name: int(result["mismatches"]) for name, result in found.items()}


def _is_built(case: Any, computed: set[int], folder: Path) -> bool:
    """Whether a case in this form can be imported and quantized, and is small."""
    try:
        given = arrays(case.data_sets[0][0])
        if any(x.size > MOST_ELEMENTS or (x.dtype.kind == "f" and not np.isfinite(x).all()) for x in given):
            return False
        part = part_of(case, computed, folder)
        samples = [{n: x[k] for n, x in part.data.items()} for k in range(SAMPLES)]
        integer = optimize_integer(quantize(optimize_float(part.graph), samples))
        return 0 < len(integer.nodes) <= MOST_NODES
    except (EdgeqError, AssertionError, ValueError):
        return False


def main() -> None:
    """Write the list anew: of every second case the first form that can be built."""
    lines = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in [c for c in cases()[::2] if not unlike(c)]:
            forms = (computed for _, computed in forms_of(case) if computed)
            found = next((c for c in forms if _is_built(case, c, Path(folder))), None)
            if found is not None:
                lines.append(f"{case.name} {','.join(map(str, sorted(found)))}\n")
    LIST.write_text("".join(lines))


if __name__ == "__main__":
    main()

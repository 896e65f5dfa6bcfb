"""Reports: what a build is like, for people: accuracy, cost and memory, as a whole and layer by layer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from edgeq import __version__
from edgeq.api.check import MOST_CLASSES, Built, profile
from edgeq.api.data import Dataset, Samples, random_data, real_ranges
from edgeq.api.flow import QuantizedModel
from edgeq.api.labels import classes_of
from edgeq.api.measure import first_outputs
from edgeq.api.paths import built_models, check_report
from edgeq.api.threads import one_thread
from edgeq.codegen.manifest import read_target
from edgeq.errors import ToolError, UsageError
from edgeq.executor import Executor, FloatArithmetic, IntArithmetic
from edgeq.ir.graph import Graph, Node
from edgeq.numerics.modes import FLOAT
from edgeq.report.accuracy import accuracy, confusion, of_classes, quantize_inputs, real_output
from edgeq.report.analysis import LayerFacts, analyse, helped_by, summary
from edgeq.report.cost import watts
from edgeq.report.html import page, snippet
from edgeq.report.markdown import document
from edgeq.report.memory import draw, memory_map
from edgeq.report.words import bytes_text, error_texts
from edgeq.simulator import FloatExecutor, IntExecutor
from edgeq.target import Target

LAYER_SAMPLES = 32
"""Samples on which layers are looked at."""
RANDOM_SAMPLES = 16
Writer = Callable[[Sequence[Mapping[str, Any]]], str]


def _as_json(builds: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({"builds": list(builds)}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


WRITERS: Mapping[str, Writer] = {".html": page, ".md": document, ".json": _as_json}
"""How a report is written, by the end of its file's name."""


@one_thread()
def report(
    folders: Sequence[str | Path],
    output: str | Path | None = None,
    data: Samples | None = None,
    samples: int = LAYER_SAMPLES,
    key: str | None = None,
    timed: bool | None = None,
    volts: float | None = None,
    amps: float | None = None,
) -> dict[str, Any]:
    """Look at builds side by side, and write what there is to say in one file.

    Args:
        folders: build folders; of one with several models, all of them.
        output: an .html file that needs nothing else, an .md or a .json file; None: nothing is written.
        data: samples that all models take, with labels `y` if there are any (`edgeq.api.data.load_data`); by default
            random ones, which say little about accuracy.
        samples: on how many of them layers are looked at.
        key: the array that holds the samples of a model's only input, if it is not `x`.
        timed: whether programs are profiled; None: where instructions are counted, so that the same build gives the
            same report.
        volts, amps: of the device while it computes, if they were measured; by default those of the board's file.

    Returns:
        builds: for each model what the report says; see docs/reports.md.

    Raises:
        UsageError: a folder is no build folder, the data do not fit a model, or the report cannot be written.
    """
    if output is not None:
        check_report(Path(output))
    if not folders:
        raise UsageError("there is no build to report on", hint="give at least one folder")
    power = watts(volts, amps)
    builds = []
    for folder in map(Path, folders):
        for model in built_models(folder, None):
            built = Built.read(folder, model)
            chosen = built.random(RANDOM_SAMPLES) if data is None else built.data(data, key)
            builds.append(described(built, chosen, data is None, samples, _costs(built, model, timed), power))
    if output is not None:
        write_report(builds, output)
    return {"builds": builds}


def report_on(folder: Path, output: str | Path, data: Mapping[str, Dataset | None]) -> None:
    """Report on one build folder.

    Args:
        folder: the build folder.
        output: as for `report`.
        data: by name of each of its models samples, or None for random ones.

    Raises:
        UsageError: the report cannot be written.
    """
    with one_thread():
        builds = []
        for model in built_models(folder, None):
            built = Built.read(folder, model)
            given = data.get(str(built.manifest["name"]))
            chosen = built.random(RANDOM_SAMPLES) if given is None else given
            builds.append(described(built, chosen, given is None, costs=_costs(built, model, None)))
    write_report(builds, output)


def report_on_model(model: QuantizedModel, name: str, source: str, output: str | Path) -> None:
    """Report on a quantized model of which nothing was built.

    Raises:
        UsageError: the report cannot be written.
    """
    with one_thread():
        write_report([described_model(model, name, source)], output)


def write_report(builds: Sequence[Mapping[str, Any]], path: str | Path) -> None:
    """Write a report, in the format that its name ends in.

    Raises:
        UsageError: it cannot be written, or there is no such format.
    """
    check_report(Path(path))
    try:
        Path(path).write_text(WRITERS[Path(path).suffix.lower()](builds), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _costs(built: Built, model: str | None, timed: bool | None) -> dict[str, Any] | None:
    """What layers cost; None where that is not wanted, or cannot be measured here."""
    wanted = read_target(built.root).counter == "instructions" if timed is None else timed
    if not wanted or built.manifest.get("toolchain") is None:
        return None
    try:
        return profile(built.root, model=model)
    except ToolError:
        if timed:
            raise
        return None


def described(
    built: Built,
    data: Dataset,
    random: bool,
    samples: int = LAYER_SAMPLES,
    costs: Mapping[str, Any] | None = None,
    power: float | None = None,
) -> dict[str, Any]:
    """What a report says of one build.

    Args:
        built: the build.
        data: samples of its inputs.
        random: whether they are random.
        samples: on how many of them layers are looked at.
        costs: what `edgeq.profile` says.
        power: watts that the device draws; by default what the target's file says.
    """
    manifest, target = built.manifest, read_target(built.root)
    figures = quality(built.float_graph, built.graph, data)
    layers = analyse(built.float_graph, built.graph, data.first(samples), data.steps)
    memory = memory_map(manifest, str(built.root))
    live = [step["live_bytes"] for step in memory.to_dict()["steps"]]
    rows = _rows(manifest["layers"], layers, costs, live, built.graph)
    return {
        "name": manifest["name"],
        "folder": built.root.name,
        "source": manifest.get("source"),
        "edgeq_version": manifest["edgeq_version"],
        "target": {
            "name": target.name,
            "description": target.description,
            "chip": target.chip or (target.speed.part if target.speed else ""),
            "cpu": target.cpu,
        },
        "settings": {
            key: manifest.get(key) for key in ("numerics", "optimize", "kernels", "toolchain", "simulate", "threads")
        },
        "data": {"samples": len(data), "random": random, "layers_on": min(samples, len(data))},
        "kpis": {**figures["kpis"], **_kpis(manifest, target, costs, power), **_bits(rows)},
        "confusion": figures["confusion"],
        "layers": rows,
        "inputs": list(built.graph.inputs),
        "outputs": list(built.graph.outputs),
        "arena": draw(memory),
        "warnings": [dict(warning) for warning in manifest.get("warnings", ())],
        "is_float": manifest["numerics"] == FLOAT,
    }


def described_model(model: QuantizedModel, name: str, source: str = "", samples: int = LAYER_SAMPLES) -> dict[str, Any]:
    """What a report says of a quantized model of which nothing was built: memory and cost are not known."""
    model = model if model.window is None else model.window[0]
    graph, data = model.graph, model.samples
    chosen = random_data(graph, real_ranges(graph), RANDOM_SAMPLES) if data is None else data
    figures = quality(model.float_graph, graph, chosen)
    facts = analyse(model.float_graph, graph, chosen.first(samples), chosen.steps)
    layers = [_layer(graph, node) for node in graph.nodes]
    rows = _rows(layers, facts, None, None, graph)
    unknown = dict.fromkeys(("flash_bytes", "ram_bytes", "arena_bytes", "arena_bound", "stack_bytes"))
    sums = {key: sum(layer[key] for layer in layers) for key in ("macs", "weights_bytes")}
    return {
        "name": name,
        "folder": name,
        "source": source or None,
        "edgeq_version": __version__,
        "target": {"name": "no target", "description": "no target", "chip": "", "cpu": ""},
        "settings": {"numerics": graph.arithmetic, "toolchain": None},
        "data": {"samples": len(chosen), "random": data is None, "layers_on": min(samples, len(chosen))},
        "kpis": {**figures["kpis"], **sums, **unknown, **_cost_figures(None, None), **_bits(rows)},
        "confusion": figures["confusion"],
        "layers": rows,
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
        "arena": "",
        "warnings": [warning.to_dict() for warning in model.warnings],
        "is_float": graph.is_real,
    }


def _layer(graph: Graph, node: Node) -> dict[str, Any]:
    """What a manifest says of a layer, as far as that does not depend on a target."""
    site = graph.site(node)
    return {
        "name": node.name,
        "op": node.op.kind,
        "kernel": None,
        "macs": node.op.macs(site),
        "weights_bytes": sum(c.nbytes for c in site.consts if c is not None),
        "output_shape": list(site.outputs[0].shape),
        "activation_dtype": site.outputs[0].dtype.value,
        "weight_bits": None,
    }


def quality(float_graph: Graph, graph: Graph, data: Dataset) -> dict[str, Any]:
    """How good a quantized model is on samples.

    Returns:
        kpis: sqnr_db, centred_sqnr_db, constant_db, score_error, agreement, top1_float, top1_int8 and drop, None where
        they do not apply; confusion: `float` and `int8`, or None.
    """
    real = first_outputs(Executor(float_graph, FloatArithmetic(float_graph)), FloatExecutor(float_graph), data, data)
    integers = [quantize_inputs(graph, sample) for sample in data]
    exact = first_outputs(Executor(graph, IntArithmetic(graph)), IntExecutor(graph), integers, data)
    name = graph.public_outputs[0]
    whole, classes = graph.type(name).is_whole, classes_of(float_graph)
    found = real_output(graph, name, exact).reshape(real.shape)
    measure = of_classes if whole else accuracy
    kpis: dict[str, Any] = dict(measure(real, found))
    rows = list(data.labelled)
    labels = data.labels if rows and len(rows) == len(data.labels if data.labels is not None else ()) else None
    one_each = classes is not None and real.size == len(real) * classes
    if labels is not None and (one_each or whole):
        marked = measure(real[rows], found[rows], labels)
        kpis.update({key: marked[key] for key in ("top1_float", "top1_int8")})
    if classes is None and not whole:
        kpis["agreement"] = None
    top = kpis["top1_float"], kpis["top1_int8"]
    kpis["drop"] = None if None in top else top[0] - top[1]
    kpis.update(summary(real, found, _reproduced(float_graph, data)) if not whole else {})
    matrices = None
    if labels is not None and one_each and classes is not None and classes <= MOST_CLASSES:
        matrices = {
            "float": confusion(labels, real[rows].argmax(axis=1), classes),
            "int8": confusion(labels, found[rows].argmax(axis=1), classes),
        }
    return {"kpis": kpis, "confusion": matrices}


def _reproduced(graph: Graph, data: Dataset) -> np.ndarray[Any, Any] | None:
    """The samples, if the model has one input, and an output of as many elements: it may be there to reproduce it."""
    if len(graph.public_inputs) != 1 or data.labels is not None:
        return None
    name, output = graph.public_inputs[0], graph.public_outputs[0]
    if graph.type(name).size != graph.type(output).size or prod(graph.type(output).shape) < 2:
        return None
    return np.asarray(data.inputs[name], np.float64).reshape(len(data), -1)


def _kpis(
    manifest: Mapping[str, Any], target: Target, costs: Mapping[str, Any] | None, power: float | None
) -> dict[str, Any]:
    drawn = power if power is not None else target.power.watts if target.power else None
    keys = ("macs", "weights_bytes", "flash_bytes", "arena_bytes", "arena_bound", "stack_bytes")
    return {
        **{key: manifest[key] for key in keys},
        "ram_bytes": manifest["ram_bytes"] if manifest["ram_bytes"] is not None else manifest["arena_bytes"],
        **_cost_figures(costs, drawn),
        "price": None if target.price is None else f"{target.price.amount:g} {target.price.currency}",
        "price_of": None if target.price is None else target.price.of,
    }


def _cost_figures(costs: Mapping[str, Any] | None, drawn: float | None) -> dict[str, Any]:
    """What an inference costs; `drawn` is the device's power in watts."""
    ms = None if costs is None else costs["estimate_ms"]
    keys = ("unit", "total", "clock_mhz", "cpi")
    return {
        **{key: None if costs is None else costs[key] for key in keys},
        "latency_ms": ms,
        "throughput": None if not ms else 1e3 / ms,
        "energy_uj": None if drawn is None or ms is None else 1e3 * drawn * ms,
        "price": None,
        "price_of": None,
    }


def _bits(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean number of bits of a weight."""
    known = [(row["weight_bits"], row["weights"]) for row in rows if row["weight_bits"] and row["weights"]]
    total = sum(count for _, count in known)
    return {"mean_weight_bits": sum(bits * count for bits, count in known) / total if total else None}


_UNKNOWN: Mapping[str, Any] = {
    "value": None,
    "dtype": None,
    "scale": None,
    "low": None,
    "high": None,
    "seen": None,
    "rms": None,
    "clipped": None,
    "saturated": None,
    "sqnr_db": None,
    "alone_db": None,
    "own_db": None,
    "sensitivity_db": None,
    "noise_share": None,
    "histogram": None,
    "weight_bits": None,
    "weights": 0,
    "inputs": [],
    "advice": "",
}
"""What is said of a layer that the float model does not have, such as a conversion."""


def _rows(
    listed: Sequence[Mapping[str, Any]],
    layers: Sequence[LayerFacts],
    costs: Mapping[str, Any] | None,
    live: Sequence[int] | None,
    graph: Graph,
) -> list[dict[str, Any]]:
    """What is known of each layer that a manifest lists."""
    by_name: dict[str, LayerFacts] = {}
    for known in layers:
        by_name.setdefault(known["name"], known)
    shares = [known["noise_share"] for known in layers if known["noise_share"] is not None]
    usual = median(shares) if shares else 0.0
    whole = sum(layer["weights_bytes"] for layer in listed)
    rows = []
    reads = _reads(graph, [layer["name"] for layer in listed])
    for index, layer in enumerate(listed):
        facts = by_name.get(layer["name"])
        told = _UNKNOWN if facts is None else {**facts, "advice": helped_by(facts, usual)}
        cost = None if costs is None else costs["layers"][index]
        rows.append(
            {
                **told,
                "name": layer["name"],
                "op": layer["op"],
                "kernel": layer["kernel"],
                "dtype": layer["activation_dtype"],
                "weight_bits": layer["weight_bits"] if layer["weight_bits"] is not None else told["weight_bits"],
                "shape": layer["output_shape"],
                "macs": layer["macs"],
                "weights_bytes": layer["weights_bytes"],
                "weights_share": 100.0 * layer["weights_bytes"] / whole if whole else 0.0,
                "live_bytes": None if live is None else live[index],
                "reads": reads[index],
                "cost": None if cost is None else cost["value"],
                "cost_share": None if cost is None else cost["share"],
                "ms": None
                if cost is None or costs is None or costs["estimate_ms"] is None
                else costs["estimate_ms"] * cost["value"] / max(1, costs["total"]),
            }
        )
    return rows


def _reads(graph: Graph, names: Sequence[str]) -> list[list[int]]:
    """For each layer of the program the indices of those that it reads; −1 is an input."""
    index = {name: k for k, name in enumerate(names)}
    nodes = {node.name: node for node in graph.nodes}
    found = []
    for k, name in enumerate(names):
        sources = dict.fromkeys(
            index.get(graph.producers[i].name, k - 1) if i in graph.producers else -1
            for i in (nodes[name].inputs if name in nodes else ())
            if i is not None and graph.data(i) is None
        )
        found.append(sorted(source for source in sources if source < k) or [k - 1])
    return found


NOTEBOOK_WORK = 1 << 28
"""Multiply-accumulates to spend on showing a model in a notebook."""


def notebook(model: QuantizedModel) -> str:
    """A quantized model as HTML for notebooks: how accurate it is, and its layers."""
    whole = model if model.window is None else model.window[0]
    graph, measured = whole.graph, whole.accuracy
    layers = [_layer(graph, node) for node in graph.nodes]
    macs = sum(layer["macs"] for layer in layers)
    affordable = min(8, NOTEBOOK_WORK // max(1, macs))
    errors = whole.layer_errors(samples=affordable) if affordable and whole.samples is not None else []
    sqnr = {error["name"]: error["sqnr_db"] for error in reversed(errors)}
    facts = [("arithmetic", graph.arithmetic), ("MACs", f"{macs:,}")]
    facts.append(("weights", bytes_text(sum(layer["weights_bytes"] for layer in layers))))
    if measured is not None:
        error = ", ".join(error_texts(measured))
        facts.append(("accuracy", f"{error}, on {measured['samples']} calibration samples"))
    facts += [("doubt", warning.message) for warning in whole.warnings]
    columns = ("layer", "operator", "output", "type", "weights", "SQNR dB")
    rows = [
        (
            layer["name"],
            layer["op"],
            "×".join(map(str, layer["output_shape"])),
            layer["activation_dtype"],
            bytes_text(layer["weights_bytes"]) if layer["weights_bytes"] else "",
            "" if sqnr.get(layer["name"]) is None else f"{sqnr[layer['name']]:.1f}",
        )
        for layer in layers
    ]
    return snippet(f"{graph.name}, quantized", facts, columns, rows)

"""What can be done with a build folder: run it, verify it, profile it, look into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.api.data import Dataset, Samples, in_own_layout, load_data, random_data, real_ranges
from edgeq.api.gates import check_gates
from edgeq.api.inspection import warn_of_edits
from edgeq.api.labels import classes_of
from edgeq.api.reach import Reach
from edgeq.api.threads import ahead, one_thread
from edgeq.codegen.folder import restore
from edgeq.codegen.manifest import edited_files, model_folder, read_manifest, read_target
from edgeq.codegen.names import symbol_prefix
from edgeq.errors import EdgeqError, ToolError, UsageError
from edgeq.ir.graph import Graph
from edgeq.ir.tensor import Array
from edgeq.ir.text import load_graph
from edgeq.ir.traits import Perm
from edgeq.link import STDIO
from edgeq.quantize.preprocess import InputSpec
from edgeq.report.accuracy import accuracy, confusion, of_classes, quantize_inputs, real_output, sqnr_db, steps_apart
from edgeq.report.cost import pace, per_mac, share, watts
from edgeq.runners import Profile, Program, loads_program, watches_stack
from edgeq.runners import profile as profile_program
from edgeq.runners import run as run_program
from edgeq.runners import watch as watch_program
from edgeq.sequence import run_outputs
from edgeq.simulator import FloatExecutor, IntExecutor
from edgeq.toolchain.cmake import build_profile, emulated_path, program_path
from edgeq.warnings import collecting, refuse

Advance = Callable[[int, int], None]
RANDOM_SAMPLES = 20
MOST_CLASSES = 100
"""Classes up to which a confusion matrix is made."""


@dataclass(frozen=True, eq=False)
class Built:
    """A model of a build folder, read back.

    Attributes:
        root: the build folder.
        manifest: the model's manifest.
        graph, float_graph: its graphs.
    """

    root: Path
    manifest: Mapping[str, Any]
    graph: Graph
    float_graph: Graph

    @staticmethod
    def read(folder: str | Path, model: str | None = None) -> Built:
        """Read a build folder.

        Args:
            folder: the folder.
            model: which of its models, if it has several.

        Raises:
            UsageError: it is not a build folder, was damaged, or has no such model.
        """
        root = Path(folder)
        restore(root)
        folder = model_folder(root, model)
        manifest = read_manifest(folder)
        try:
            graph, float_graph = (load_graph(folder / "reference" / kind) for kind in ("integer", "float"))
        except EdgeqError as error:
            raise _damaged(folder, f"its reference is damaged ({error.message})") from error
        if not _consistent(manifest, graph, float_graph):
            raise _damaged(folder, "its manifest and its reference do not belong together")
        warn_of_edits(root)
        return Built(root, manifest, graph, float_graph)

    @property
    def program(self) -> Program:
        """The compiled program, run as its target says."""
        return self.reached(Reach())

    def reached(self, reach: Reach) -> Program:
        """The compiled program, reached in some way."""
        target = reach.target(read_target(self.root))
        if reach.given:
            return Program.of_manifest(program_path(self.root, self.manifest["name"], target), target, self.manifest)
        address = weights_in_emulator(self.manifest)
        if self.manifest.get("weights_file") and address is None:
            raise ToolError(
                f"the emulator has no memory for its weights at {self.manifest['weights_address']:#x}, nor elsewhere",
                hint="run it on the hardware, or build it once more with --weights-in section",
                where=str(self.root),
            )
        path_of = program_path if self.manifest.get("weights_emulated_address") is None else emulated_path
        path = path_of(self.root, self.manifest["name"], target)
        return Program.of_manifest(path, target, self.manifest)

    def data(self, source: Samples, key: str | None = None) -> Dataset:
        """Samples as real values (`edgeq.api.data.load_data`)."""
        table = self.manifest.get("preprocessing")
        return load_data(source, self.float_graph, InputSpec.from_dict(table) if table else None, key, self.layouts)

    @property
    def layouts(self) -> dict[str, Perm]:
        """Of inputs and outputs that the caller has in another layout, the permutation from the model's own to that."""
        return {name: tuple(perm) for name, perm in (self.manifest.get("layouts") or {}).items()}

    def own_layout(self, name: str, array: Array) -> Array:
        """An output (samples · batch, …) as the model itself has it."""
        return in_own_layout(self.layouts, name, array)

    def random(self, count: int) -> Dataset:
        """Random samples within the range of each quantized input."""
        return random_data(self.graph, real_ranges(self.graph), count)

    def integers(self, samples: Iterable[Mapping[str, Array]]) -> list[Array]:
        """Samples as the device takes them: one array per input, stacked along the batch."""
        quantized = [quantize_inputs(self.graph, s) for s in samples]
        return [np.concatenate([np.atleast_1d(q[name]) for q in quantized]) for name in self.graph.public_inputs]


def weights_in_emulator(manifest: Mapping[str, Any]) -> int | None:
    """Where a file of weights lies while its program runs in the emulator; None if there is no file, or no room."""
    emulated: int | None = manifest.get("weights_emulated_address")
    known = manifest.get("weights_region") is not None or "weights_emulated_address" not in manifest
    return emulated if emulated is not None or not known else manifest.get("weights_address")


def _damaged(folder: Path, what: str) -> UsageError:
    return UsageError(what, hint="build it again", where=str(folder))


def _consistent(manifest: Mapping[str, Any], graph: Graph, float_graph: Graph) -> bool:
    """Whether a manifest is complete and describes the graphs; the folder may have been edited or damaged."""

    def ports(names: Sequence[str]) -> list[tuple[str, list[int], str]]:
        return [(n, list(graph.type(n).shape), graph.type(n).dtype.value) for n in names]

    try:
        InputSpec.from_dict(manifest.get("preprocessing") or {})
        name, macs, layers = manifest["name"], manifest["macs"], manifest["layers"]
        declared = [[(p["name"], p["shape"], p["dtype"]) for p in manifest[side]] for side in ("inputs", "outputs")]
        complete = all(isinstance(e["name"], str) and isinstance(e["op"], str) and e["macs"] >= 0 for e in layers)
        return bool(
            name == symbol_prefix(name)
            and isinstance(manifest["target"], str)
            and macs >= 0
            and complete
            and declared == [ports(graph.public_inputs), ports(graph.public_outputs)]
            and [s["name"] for s in manifest.get("states", [])] == [s.input for s in graph.states]
            and graph.numerics is not None
            and float_graph.numerics is None
            and graph.public_inputs == float_graph.public_inputs
            and len(graph.public_outputs) == len(float_graph.public_outputs)
            and bool(graph.states) == bool(float_graph.states)
        )
    except (KeyError, TypeError, AttributeError, UsageError):
        return False


def run(
    folder: str | Path,
    data: Samples,
    raw: bool = False,
    key: str | None = None,
    model: str | None = None,
    port: str | None = None,
    board: str | None = None,
    baud: int | None = None,
    progress: Advance | None = None,
    host: str | None = None,
    ssh_options: str | None = None,
) -> dict[str, Array]:
    """Run samples through a built model.

    Args:
        folder: a build folder.
        data: samples of the inputs: an .npz or .npy file, an array, or arrays by name (`edgeq.api.data.load_data`);
            real values, or with `raw` the device's integers.
        raw: integers in and out.
        key: the array that holds the samples of a model's only input, if it is not `x`.
        model: the name of one of its models, if it has several.
        port, board, baud: the device that runs them, in place of this machine or its emulator (`edgeq.api.reach`).
        host, ssh_options: the computer that runs them, such as `pi@raspberrypi`, and options of OpenSSH's client.
        progress: called with how many samples a device has done and how many there are.

    Returns:
        For every output an array, samples first, in the model's own layout: float32, or integers with `raw`. Where the
        data are several sequences for a model with states, the arrays are (sequences, steps, …).

    Raises:
        UsageError: the data do not fit.
        ToolError: the emulator is missing, the device does not answer, or the program failed.
    """
    built = Built.read(folder, model)
    dataset = load_data(data, built.graph, None, key, built.layouts) if raw else built.data(data, key)
    inputs = _raw_inputs(built, dataset.inputs) if raw else built.integers(dataset)
    results = run_program(built.reached(Reach(port, board, baud, host, ssh_options)), inputs, dataset.steps, progress)
    named = {n: built.own_layout(n, y) for n, y in zip(built.graph.public_outputs, results, strict=True)}
    outputs = dataset.in_sequences(named)
    if raw:
        return outputs
    return {name: real_output(built.graph, name, values) for name, values in outputs.items()}


def _raw_inputs(built: Built, samples: Mapping[str, Array]) -> list[Array]:
    inputs = []
    for name in built.graph.public_inputs:
        dtype, array = built.graph.type(name).dtype, samples[name]
        if dtype.is_float:
            inputs.append(array.astype(np.float32))
            continue
        low, high = dtype.range
        if array.dtype.kind not in "iub" or array.min() < low or array.max() > high:
            raise UsageError(f"input {name!r} must be integers from {low} to {high}", hint="or leave --raw out")
        inputs.append(array.astype(dtype.numpy))
    return inputs


def save_outputs(path: str | Path, outputs: Mapping[str, Array]) -> None:
    """Write results as .npz: `y` for a single output, else one array per output.

    Raises:
        UsageError: the file cannot be written.
    """
    named = {"y": next(iter(outputs.values()))} if len(outputs) == 1 else dict(outputs)
    try:
        with Path(path).open("wb") as file:
            np.savez_compressed(file, **named)  # type: ignore[arg-type]
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", where=str(path)) from error


@one_thread()
def verify(
    folder: str | Path,
    data: Samples | None = None,
    samples: int | None = None,
    progress: Advance | None = None,
    key: str | None = None,
    min_sqnr: float | None = None,
    max_drop: float | None = None,
    min_agreement: float | None = None,
    strict: bool = False,
    model: str | None = None,
    port: str | None = None,
    board: str | None = None,
    baud: int | None = None,
    host: str | None = None,
    ssh_options: str | None = None,
) -> dict[str, Any]:
    """Compare a built program with the integer simulator, bit for bit, and with the float model.

    For a model with states a sample is a step, and each of the three keeps its own states from a reset on.

    Args:
        folder: a build folder.
        data: samples, and labels `y` if there are any: a file, an array, or arrays by name
            (`edgeq.api.data.load_data`); by default random samples.
        samples: how many of the first samples to use; all by default.
        progress: called with the number of samples done and of all samples; on a device, at first with those that it
            has run.
        key: the array that holds the samples of a model's only input, if it is not `x`.
        min_sqnr, max_drop, min_agreement: limits of `sqnr_db`, `drop` and `agreement`, which `gates` is about.
        strict: make warnings errors.
        model: the name of one of its models, if it has several.
        port, board, baud: the device whose program it is, in place of this machine or its emulator
            (`edgeq.api.reach`).
        host, ssh_options: the computer that runs it, such as `pi@raspberrypi`, and options of OpenSSH's client.

    Returns:
        samples, mismatches (samples with any differing output element), max_abs_diff (in integer steps), sqnr_db,
        top1_float, top1_int8 and agreement in percent (None where they do not apply), centred_sqnr_db (of what differs
        from the mean output over the samples), drop (top1_float − top1_int8), stack_used_bytes, the most that any
        sample used (None on computers), arena_used_bytes, how much of the arena was used up to the last byte (None
        where the program was not asked over a line), random_data, whether the samples are random, edited, the generated
        files that are no longer as they were generated, confusion (for models of up to 100 classes and samples with
        labels: `float` and `int8`, each a matrix of how many samples of the class of a row were taken for that of a
        column),
        gates (for every limit name, limit, value and met), and warnings.

    Raises:
        UsageError: the data do not fit, or a limit is about a figure that they do not give.
        ToolError: the emulator is missing, the device does not answer, or the program failed.
    """
    with collecting() as warnings:
        built = Built.read(folder, model)
        chosen = built.data(data, key) if data is not None else built.random(samples or RANDOM_SAMPLES)
        if strict:
            refuse(warnings)
    dataset = chosen.first(samples)
    limits = {"min_sqnr": min_sqnr, "max_drop": max_drop, "min_agreement": min_agreement}
    _check_limits(built, dataset, limits)
    program = built.reached(Reach(port, board, baud, host, ssh_options))
    outputs = built.graph.public_outputs
    integers = run_outputs(
        IntExecutor(built.graph), (quantize_inputs(built.graph, sample) for sample in dataset), dataset.steps
    )
    floats = run_outputs(FloatExecutor(built.float_graph), dataset, dataset.steps)
    batch = [built.graph.type(o).shape[0] if built.graph.type(o).shape else 1 for o in outputs]
    mismatches, worst = 0, 0
    real: list[list[Array]] = [[] for _ in outputs]
    with (
        ahead([values[name] for name in outputs] for values in integers) as exact,
        ahead([values[name] for name in built.float_graph.public_outputs] for values in floats) as reference,
    ):
        watched = watch_program(program, built.integers(dataset), dataset.steps, progress)
        device_outputs = watched.outputs
        for index, (wanted, expected) in enumerate(zip(exact, reference, strict=True)):
            differences = []
            for k in range(len(outputs)):
                device_output = device_outputs[k][index * batch[k] : (index + 1) * batch[k]]
                differences.append(steps_apart(device_output, wanted[k].reshape(device_output.shape)))
                real[k].append(expected[k])
            mismatches += any(differences)
            worst = max(worst, *differences)
            if progress is not None:
                progress(index + 1, len(dataset))
    figures, exactly = _accuracy(built, real, device_outputs, dataset)
    return {
        "samples": len(dataset),
        "mismatches": mismatches,
        "max_abs_diff": worst,
        **figures,
        "stack_used_bytes": watched.stack,
        "arena_used_bytes": watched.arena,
        "random_data": data is None,
        "edited": list(edited_files(built.root)),
        "confusion": _confusion(built, real, device_outputs, dataset),
        "gates": check_gates(figures, limits, exactly),
        "warnings": [warning.to_dict() for warning in warnings],
    }


def _check_limits(built: Built, dataset: Dataset, limits: Mapping[str, float | None]) -> None:
    """Make sure, before anything runs, that limits are about figures that the samples give."""
    classes = classes_of(built.float_graph) is not None
    known = {"sqnr_db": 0.0, "agreement": 0.0 if classes else None, "drop": 0.0 if _labelled(built, dataset) else None}
    check_gates(known, limits, exact=True)


def _labelled(built: Built, dataset: Dataset) -> bool:
    """Whether samples have labels that are about the classes of the model's first output."""
    return dataset.labels is not None and classes_of(built.float_graph) is not None


def _accuracy(
    built: Built, real: Sequence[list[Array]], device_outputs: Sequence[Array], dataset: Dataset
) -> tuple[dict[str, Any], bool]:
    """Figures of the first output, which is the one that labels are about, and whether there is no error at all."""
    name = built.graph.public_outputs[0]
    actual = real_output(built.graph, name, device_outputs[0])
    expected = np.concatenate([r.reshape(-1, *actual.shape[1:]) for r in real[0]])
    measure = of_classes if built.graph.type(name).is_whole else accuracy
    figures = measure(expected, actual)
    if dataset.labels is not None:
        rows = dataset.labelled
        labelled = measure(expected[rows], actual[rows], dataset.labels)
        figures = {**figures, "top1_float": labelled["top1_float"], "top1_int8": labelled["top1_int8"]}
    top = figures["top1_float"], figures["top1_int8"]
    told = {
        **{key: figures[key] for key in ("sqnr_db", "top1_float", "top1_int8", "agreement")},
        "centred_sqnr_db": None
        if measure is of_classes
        else sqnr_db(expected - expected.mean(axis=0), actual - expected.mean(axis=0)),
        "drop": None if top[0] is None or top[1] is None else top[0] - top[1],
    }
    return told, bool(np.array_equal(expected, actual))


def _confusion(
    built: Built, real: Sequence[list[Array]], device_outputs: Sequence[Array], dataset: Dataset
) -> dict[str, list[list[int]]] | None:
    """For each class how often it was taken for which, by the float model and by the program."""
    classes = classes_of(built.float_graph)
    if dataset.labels is None or classes is None or classes > MOST_CLASSES:
        return None
    outputs = {"float": np.stack(real[0]), "int8": device_outputs[0]}
    return {
        name: confusion(dataset.labels, values.reshape(-1, classes)[dataset.labelled].argmax(axis=1), classes)
        for name, values in outputs.items()
    }


def profile(
    folder: str | Path,
    clock_mhz: float | None = None,
    cpi: float | None = None,
    model: str | None = None,
    port: str | None = None,
    board: str | None = None,
    baud: int | None = None,
    volts: float | None = None,
    amps: float | None = None,
    host: str | None = None,
    ssh_options: str | None = None,
    steps: int = 1,
) -> dict[str, Any]:
    """What one inference and each of its layers cost.

    Args:
        folder: a build folder.
        clock_mhz: the clock that the time is estimated at; by default the target's.
        cpi: cycles per instruction that the time is estimated with; by default the target's.
        model: the name of one of its models, if it has several.
        port, board, baud: the device that is measured, in place of this machine or its emulator (`edgeq.api.reach`);
            it needs the profiling program.
        host, ssh_options: the computer that is measured, such as `pi@raspberrypi`, and options of OpenSSH's client.
        volts, amps: of the device while it computes, as the user measured them.
        steps: for a model with states, over how many steps of a sequence, random ones, is measured.

    Returns:
        unit ("instructions" in the emulator, "cycles" on a board, "ns" on the host), total, clock_mhz and cpi (None
        where they play no part), estimate_ms (of the total; None where a target does not say how fast it is), energy_uj
        (microjoules of an inference; None without volts and amps), and layers with name, op, value, macs, share
        (percent of the total), per_mac (None without macs), and where the inference was repeated, on computers, min_us,
        median_us and p95_us, and cycles, which are None where the system does not let programs count them; where
        several steps were measured, value and total are means over them, and layers have min and max;
        stack_used_bytes (None on computers, and where only the folder was generated).

    Raises:
        UsageError: not a build folder; or a number is not positive, or plays no part.
        ToolError: compiler or emulator are missing, the device does not answer, or the program failed.
    """
    built = Built.read(folder, model)
    if steps < 1 or (steps > 1 and not built.graph.states):
        raise UsageError(
            f"{steps} steps cannot be measured" if steps < 1 else "the model has no states, so that it has no steps",
            hint="leave --steps out",
            where=str(folder),
        )
    reach = Reach(port, board, baud, host, ssh_options)
    program = built.reached(reach)
    assumed = pace(program.target, clock_mhz, cpi)
    power = watts(volts, amps)
    loads = loads_program(program.target) or port == STDIO
    path = build_profile(built.root, built.manifest["name"], program.target) if loads else program.path
    timed = Program.of_manifest(path, program.target, built.manifest)
    inputs = built.integers(built.random(steps))
    cost = profile_program(timed, inputs, sequence=steps > 1)
    # Measured on the program without timing: functions that are called between layers take stack, too.
    watches = watches_stack(program.target) and (program.path.is_file() or not loads)
    stack = watch_program(program, inputs).stack if watches else None
    ms = assumed.ms(cost.total)
    layers = [
        {
            "name": layer["name"],
            "op": layer["op"],
            "value": value,
            "macs": layer["macs"],
            "share": share(value, cost.total),
            "per_mac": per_mac(value, layer["macs"]),
            **_repeated(cost, index),
        }
        for index, (layer, value) in enumerate(zip(built.manifest["layers"], cost.layers, strict=True))
    ]
    return {
        "unit": cost.unit,
        "total": cost.total,
        "clock_mhz": assumed.clock_mhz,
        "cpi": assumed.cpi,
        "estimate_ms": ms,
        "energy_uj": None if power is None or ms is None else 1e3 * power * ms,
        "layers": layers,
        "stack_used_bytes": stack,
    }


def _repeated(cost: Profile, index: int) -> dict[str, Any]:
    """What is known of a layer of an inference that was repeated, or of several steps."""
    if cost.steps:
        values = [step[index] for step in cost.steps]
        return {"min": min(values), "max": max(values)}
    if not cost.spread:
        return {}
    spread, cycles = cost.spread[index], None if cost.cycles is None else cost.cycles[index]
    times = {"min_us": spread.least, "median_us": spread.median, "p95_us": spread.p95}
    return {name: value / 1e3 for name, value in times.items()} | {"cycles": cycles}

"""The part of a TensorFlow Lite graph between tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgeq.errors import UsageError
from edgeq.importers.cut import Cut, part, unknown, unneeded
from edgeq.importers.tflite.raw import RawModel, RawOp, short_name


def cut_model(model: RawModel, cut: Cut, where: str) -> RawModel:
    """The part of a model that is wanted.

    A name is that of a tensor, whole or up to its first “;”, one of the signature's, or that of a layer: a part of the
    path in a tensor's name. Of a layer the last tensor counts.

    Raises:
        UsageError: there is nothing of a name, or it means several tensors, or an input is not needed.
    """
    inputs = [_index(model, name, "--inputs", where) for name in cut.inputs]
    outputs = tuple(_index(model, name, "--outputs", where) for name in cut.outputs) or model.outputs
    kept, read = _part(model, inputs, outputs)
    idle = [name for name, index in zip(cut.inputs, inputs, strict=True) if index not in read]
    if idle:
        raise unneeded(idle, where)
    whole = [index for index in model.inputs if index in read and index not in inputs]
    return replace(
        model,
        ops=tuple(op for k, op in enumerate(model.ops) if k in kept),
        inputs=tuple(dict.fromkeys([*inputs, *whole])),
        outputs=tuple(dict.fromkeys(outputs)),
    )


def _part(model: RawModel, inputs: Sequence[int], outputs: Sequence[int]) -> tuple[set[int], set[int]]:
    """As `part`; what the last run left in a variable also needs what this run leaves there."""
    nodes = [(op.inputs, op.outputs) for op in model.ops]
    variable = {op.outputs[0]: op.options for op in model.ops if op.kind == "VAR_HANDLE" and op.outputs}
    assigned = {k: op for k, op in enumerate(model.ops) if op.kind == "ASSIGN_VARIABLE" and len(op.inputs) == 2}
    wanted, together = list(outputs), dict[int, RawOp]()
    while True:
        kept, read = part(nodes, inputs, wanted)
        used = [
            variable[o]
            for k in kept
            if model.ops[k].kind == "READ_VARIABLE"
            for o in model.ops[k].inputs
            if o in variable
        ]
        more = {k: op for k, op in assigned.items() if k not in together and variable.get(op.inputs[0]) in used}
        if not more:
            break
        together |= more
        wanted += [index for op in more.values() for index in op.inputs]
    first = {k for k, op in enumerate(model.ops) if op.kind == "CALL_ONCE"} if together else set()
    return kept | set(together) | first, read


def _index(model: RawModel, name: str, option: str, where: str) -> int:
    computed = dict.fromkeys([*model.inputs, *(o for op in model.ops for o in op.outputs)])
    tensors = [model.tensors[i] for i in computed]
    layers = [t.index for t in tensors if name in short_name(t.name).split("/")]
    candidates = (
        [t.index for t in tensors if t.name == name],
        [index for label, index in model.signature.items() if label == name and index in computed],
        [t.index for t in tensors if short_name(t.name) == name],
        layers[-1:],
    )
    found = next((indices for indices in candidates if indices), None)
    if found is None:
        fused = [t for t in tensors if any(name in label.split("/") for label in t.name.split(";"))]
        if fused:
            raise UsageError(
                f"{option}: {name!r} has no tensor of its own, it was merged into what follows",
                hint=f"cut at {short_name(fused[-1].name)!r}, which it is a part of",
                where=where,
            )
        raise unknown(name, option, (short_name(t.name) for t in tensors), where)
    if len(found) > 1:
        raise UsageError(f"{option}: {len(found)} tensors are called {name!r}", hint="name another one", where=where)
    return found[0]

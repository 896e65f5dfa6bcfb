"""`edgeq ops`: the operators, from the registry, and those of models' files."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any

import typer

from edgeq.cli._common import JsonFlag, print_json, table
from edgeq.ir.op import registry
from edgeq.kernels import rows

OnnxFlag = Annotated[bool, typer.Option("--onnx", help="The operators of ONNX files, with what is taken of each.")]
TfliteFlag = Annotated[bool, typer.Option("--tflite", help="The same for .tflite files.")]


KerasFlag = Annotated[bool, typer.Option("--keras", help="Keras layers by name, with what becomes of each.")]
RefusedFlag = Annotated[
    bool, typer.Option("--refused", help="Those that are not taken, with what can take their place.")
]


def command(
    onnx: OnnxFlag = False,
    tflite: TfliteFlag = False,
    keras: KerasFlag = False,
    refused: RefusedFlag = False,
    json: JsonFlag = False,
) -> None:
    """List the operators, with kernels or names in files.

    Each with its element types, attributes and kernels, or, with --onnx, --tflite or --keras, by the names that such
    files have for it; of a .tflite also whether activations may have 16 bits. With --refused those that are not taken,
    of the files named or of all.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    if onnx or tflite or keras or refused:
        from edgeq.importers import taken

        of = {
            "onnx": (onnx, taken.onnx_operators, taken.onnx_refused),
            "tflite": (tflite, taken.tflite_operators, taken.tflite_refused),
            "keras": (keras, taken.keras_layers, taken.keras_refused),
        }
        every = not (onnx or tflite or keras)
        for name, (wanted, known, others) in of.items():
            if wanted or every:
                found[name] = _named(others(), "instead") if refused else _named(known(), "taken")
        if tflite and not refused:
            wide = taken.tflite_int16()
            found["tflite"] = [{**entry, "int16": entry["name"] in wide} for entry in found["tflite"]]
    else:
        found["ops"] = _operators()
    if json:
        print_json(found)
        return
    for name, operators in found.items():
        if name == "ops":
            _show(operators)
        elif name == "tflite" and not refused:
            rows = [[r["name"], "int16" if r["int16"] else "", r["taken"]] for r in operators]
            table("operator", "also", "taken", rows=rows)
        else:
            what = "instead" if refused else "taken"
            table("operator", what, rows=[[r["name"], r[what]] for r in operators])


def _named(operators: dict[str, str], what: str) -> list[dict[str, Any]]:
    return [{"name": name, what: text} for name, text in operators.items()]


def _operators() -> list[dict[str, Any]]:
    from edgeq.api.reference import portable_types

    return [
        {
            "name": kind,
            "description": (op.__doc__ or "").strip().splitlines()[0],
            "elements": portable_types(op),
            "attributes": [f.name for f in fields(op)],
            "kernels": list(dict.fromkeys(k.function for k in rows(op))),
        }
        for kind, op in registry().items()
    ]


def _show(operators: list[dict[str, Any]]) -> None:
    table(
        "operator",
        "elements",
        "attributes",
        "kernels",
        rows=[
            [
                r["name"],
                ", ".join(r["elements"]) or "any",
                " ".join(r["attributes"]),
                " ".join(r["kernels"]) or "(no code)",
            ]
            for r in operators
        ],
    )

"""The operators of each format by their names there, with what is taken of them."""

from __future__ import annotations

ON_CONSTANTS = "Only on constants, at import."


def tflite_operators() -> dict[str, str]:
    """Builtin operators of TensorFlow Lite, in alphabetical order, each with what edgeq takes of it."""
    import edgeq.importers.tflite  # noqa: F401 (its modules register their handlers)
    from edgeq.importers.tflite.fold import FOLDERS
    from edgeq.importers.tflite.registry import HANDLERS

    taken = dict.fromkeys(FOLDERS, ON_CONSTANTS) | {kind: _first_line(handler) for kind, handler in HANDLERS.items()}
    return dict(sorted(taken.items()))


def tflite_int16() -> frozenset[str]:
    """Those of TensorFlow Lite that edgeq takes with activations of 16 bits, too, as LiteRT has them."""
    from edgeq.importers.tflite.wide import INT16

    return INT16


def onnx_operators() -> dict[str, str]:
    """Operators of ONNX, with the domain of those from elsewhere, in alphabetical order, each with what is taken."""
    import edgeq.importers.onnx  # noqa: F401 (its modules register their handlers)
    from edgeq.importers.onnx.dynamic import JOINED, MS
    from edgeq.importers.onnx.handlers import HANDLERS, WHOLE_HANDLERS

    handlers = WHOLE_HANDLERS | {key: entry.run for key, entry in HANDLERS.items()}
    named = {f"{domain}.{kind}".lstrip("."): _first_line(handler) for (domain, kind), handler in handlers.items()}
    return dict(sorted((named | {f"{MS}.{kind}": what for kind, what in JOINED.items()}).items()))


def onnx_refused() -> dict[str, str]:
    """Operators of ONNX and of its classical models that are not taken, each with what to do about it."""
    import onnx

    import edgeq.importers.onnx  # noqa: F401 (its modules register their handlers)
    from edgeq.importers.onnx.fold import FOLDS, REFERENCED
    from edgeq.importers.onnx.handlers import HANDLERS, WHOLE_HANDLERS
    from edgeq.importers.onnx.hints import hint_for
    from edgeq.importers.onnx.loops import UNROLLED

    known = {"", "ai.onnx.ml"}
    found = {}
    for schema in sorted(onnx.defs.get_all_schemas(), key=lambda s: (s.domain, s.name)):
        defined = schema.has_function or schema.has_context_dependent_function
        expanded = not schema.domain and ((defined and schema.name not in NEVER) or schema.name in (*UNROLLED, "If"))
        constant = not schema.domain and (schema.name in FOLDS or schema.name in REFERENCED)
        if (
            schema.domain in known
            and (schema.domain, schema.name) not in HANDLERS | WHOLE_HANDLERS
            and not expanded
            and not constant
        ):
            found[f"{schema.domain}.{schema.name}".lstrip(".")] = hint_for(schema.name)
    return found


NEVER = ("Bernoulli", "SequenceMap")
"""Operators of ONNX whose definition has nothing that is taken."""


def tflite_refused() -> dict[str, str]:
    """Builtin operators of TensorFlow Lite that are not taken, each with what to do about it."""
    from tflite import BuiltinOperator

    from edgeq.importers.tflite.hints import hint_for

    taken = tflite_operators()
    kinds = (name for name in vars(BuiltinOperator) if name.isupper() and name not in taken)
    return {kind: hint_for(kind) for kind in sorted(kinds) if not kind.startswith("STABLEHLO_") and kind != "CUSTOM"}


def keras_layers() -> dict[str, str]:
    """Layers of Keras, in alphabetical order, each with what becomes of it."""
    from edgeq.importers.keras_layers import TAKEN

    return dict(sorted(TAKEN.items()))


def keras_refused() -> dict[str, str]:
    """Layers of Keras that are not taken, each with what can take its place."""
    from edgeq.importers.keras_layers import REFUSED

    return dict(sorted(REFUSED.items()))


def _first_line(handler: object) -> str:
    return (handler.__doc__ or "").strip().splitlines()[0]

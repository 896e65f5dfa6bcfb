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
    from edgeq.importers.onnx.node import HANDLERS

    named = {f"{domain}.{kind}".lstrip("."): entry for (domain, kind), entry in HANDLERS.items()}
    return {name: _first_line(named[name].run) for name in sorted(named)}


def _first_line(handler: object) -> str:
    return (handler.__doc__ or "").strip().splitlines()[0]

"""The figures of a report in words, the same in HTML and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Kpi = tuple[str, str, str]
"""A label, the figure, and a remark; without a figure it is left out."""
MOST_OF_RANGE = (
    "Values of the float model: the area is what the integers hold, heights are square roots of counts, "
    "the line is zero."
)


def bytes_text(count: int | None) -> str:
    """Bytes for people."""
    if count is None:
        return ""
    return f"{count:,} B" if count < 10_000 else f"{count / 1000:,.1f} kB"


def error_texts(measured: Mapping[str, Any]) -> list[str]:
    """How far a first output is from the float model's: SQNR, agreement. Outputs that are classes have no SQNR, and
    are without error only if all of them agree."""
    sqnr, agreement = measured["sqnr_db"], measured["agreement"]
    texts = [] if sqnr is None else [f"SQNR {sqnr:.1f} dB"]
    if sqnr is None and agreement in (None, 100.0):
        texts = ["no error"]
    return texts if agreement is None else [*texts, f"agreement with float {agreement:.4g} %"]


def _decibels(value: float | None) -> str:
    return "" if value is None else f"{value:.1f} dB"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.4g} %"


def _energy(microjoules: float | None) -> str:
    if microjoules is None:
        return ""
    return f"{microjoules:.3g} µJ" if microjoules < 1000 else f"{microjoules / 1000:.3g} mJ"


def _top1(k: Mapping[str, Any]) -> Kpi:
    note = "" if k["top1_float"] is None else f"float {k['top1_float']:.2f} %, drop {k['drop']:+.2f} points"
    return "top-1", "" if k["top1_int8"] is None else f"{k['top1_int8']:.2f} %", note


def _sqnr(k: Mapping[str, Any]) -> Kpi:
    constant = k.get("constant_db")
    note = "" if constant is None else f"a constant output has {constant:.1f} dB"
    return "SQNR", _decibels(k["sqnr_db"]), note


def _latency(k: Mapping[str, Any]) -> Kpi:
    if k["total"] is None:
        return "latency", "", ""
    counted = f"{k['total']:,} {k['unit']}"
    if k["latency_ms"] is None:
        return "cost", counted, ""
    at = f" at {k['clock_mhz']:g} MHz" if k["clock_mhz"] else ""
    return "latency", f"{k['latency_ms']:.3g} ms", counted + at


def _flash(k: Mapping[str, Any]) -> Kpi:
    return "flash", bytes_text(k["flash_bytes"]), f"weights {bytes_text(k['weights_bytes'])}"


def _ram(k: Mapping[str, Any]) -> Kpi:
    stack = "" if k["stack_bytes"] is None else f"stack {bytes_text(k['stack_bytes'])} besides"
    return "RAM", bytes_text(k["ram_bytes"]), stack


def _mean_bits(k: Mapping[str, Any]) -> Kpi:
    mean = k["mean_weight_bits"]
    return "bits of a weight", "" if mean is None else f"{mean:.3g}", "on average"


KPIS: tuple[Callable[[Mapping[str, Any]], Kpi], ...] = (
    _top1,
    lambda k: ("agreement with float", _percent(k["agreement"]), ""),
    _sqnr,
    lambda k: ("SQNR, centred", _decibels(k.get("centred_sqnr_db")), "against the mean output"),
    lambda k: ("error of the score", _percent(k.get("score_error")), "at most, as an autoencoder"),
    _latency,
    lambda k: ("throughput", "" if k["throughput"] is None else f"{k['throughput']:.3g} /s", ""),
    _flash,
    _ram,
    _mean_bits,
    lambda k: ("MACs", f"{k['macs']:,}" if k["macs"] else "", ""),
    lambda k: ("energy", _energy(k["energy_uj"]), "an inference"),
    lambda k: ("cost of a device", k["price"] or "", k["price_of"] or ""),
)

_FORMATS: Mapping[str, Callable[[Any], str]] = {
    "top1_float": _percent,
    "top1_int8": _percent,
    "drop": lambda v: f"{v:+.2f}",
    "agreement": _percent,
    "sqnr_db": _decibels,
    "centred_sqnr_db": _decibels,
    "score_error": _percent,
    "latency_ms": lambda v: f"{v:.3g} ms",
    "throughput": lambda v: f"{v:.3g} /s",
    "energy_uj": _energy,
    "mean_weight_bits": lambda v: f"{v:.3g}",
}


def figure(key: str, value: Any) -> str:
    """A figure of a build."""
    if key in _FORMATS:
        return _FORMATS[key](value)
    return f"{value:,}" if isinstance(value, int) else str(value)


COMPARED: tuple[tuple[str, str, int], ...] = (
    ("top1_float", "top-1 of the float model", 0),
    ("top1_int8", "top-1", 1),
    ("drop", "drop, points", -1),
    ("agreement", "agreement with float", 1),
    ("sqnr_db", "SQNR", 1),
    ("centred_sqnr_db", "SQNR, centred", 1),
    ("score_error", "error of the score", -1),
    ("total", "cost of an inference", -1),
    ("unit", "counted in", 0),
    ("latency_ms", "latency", -1),
    ("throughput", "throughput", 1),
    ("flash_bytes", "flash, bytes", -1),
    ("weights_bytes", "weights, bytes", -1),
    ("ram_bytes", "RAM, bytes", -1),
    ("stack_bytes", "stack, bytes", -1),
    ("mean_weight_bits", "bits of a weight, mean", 0),
    ("macs", "MACs", -1),
    ("energy_uj", "energy of an inference", -1),
    ("price", "cost of a device", 0),
)
"""Figures of builds side by side: key, label, and whether more (1) or less (−1) is better."""


def about(build: Mapping[str, Any]) -> list[str]:
    """What was built, how, and what was measured on."""
    target, settings, data = build["target"], build["settings"], build["data"]
    chip = f", {target['chip']}" if target["chip"] and target["chip"] not in target["description"] else ""
    made = [f"{key} {value}" for key, value in settings.items() if value and key != "toolchain"]
    compiled = [f"compiled by {settings['toolchain']}"] if settings["toolchain"] else []
    samples = f"{data['samples']} {'random ' if data['random'] else ''}samples"
    lines = [
        f"{build['source'] or build['name']} for {target['description']}{chip}",
        "; ".join([*made, *compiled]),
        f"Measured on {samples}, layers on {data['layers_on']} of them.",
    ]
    if data["random"]:
        lines.append("Random samples say little about accuracy: give data that the model was made for.")
    return [line for line in lines if line]


def layer_facts(layer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All that is known of a layer, without what is not."""
    low, seen = layer["low"], layer["seen"]
    facts = [
        ("SQNR, accumulated", _decibels(layer["sqnr_db"])),
        ("SQNR, alone", _decibels(layer["alone_db"])),
        ("of its own steps", _decibels(layer["own_db"])),
        ("sensitivity", "" if layer["sensitivity_db"] is None else f"{layer['sensitivity_db']:.1f} dB at the output"),
        ("part of the output's noise", _share(layer["noise_share"])),
        ("range held", "" if low is None else f"{low:.5g} … {layer['high']:.5g}, step {layer['scale']:.3g}"),
        ("range seen", "" if seen is None else f"{seen[0]:.5g} … {seen[1]:.5g}"),
        ("clipped", "" if layer["clipped"] is None else f"{layer['clipped']:.3g} %"),
        ("saturated", "" if layer["saturated"] is None else f"{layer['saturated']:.3g} %"),
        ("type", _type(layer)),
        (
            "weights",
            f"{bytes_text(layer['weights_bytes'])}, {layer['weights_share']:.1f} %" if layer["weights"] else "",
        ),
        ("arena in use", bytes_text(layer["live_bytes"])),
        ("MACs", f"{layer['macs']:,}" if layer["macs"] else ""),
        ("cost", _cost(layer)),
        ("kernel", str(layer["kernel"] or "")),
    ]
    return [(label, text) for label, text in facts if text]


def _share(percent: float | None) -> str:
    return "" if percent is None else f"{percent:.1f} %"


def _cost(layer: Mapping[str, Any]) -> str:
    if layer["cost"] is None:
        return ""
    ms = "" if layer["ms"] is None else f", {layer['ms']:.3g} ms"
    return f"{layer['cost']:,}{ms}, {layer['cost_share']:.1f} %"


def _type(layer: Mapping[str, Any]) -> str:
    bits = f", weights of {layer['weight_bits']} bits" if layer["weight_bits"] else ""
    return f"{layer['dtype']}{bits}"


def _weights(layer: Mapping[str, Any]) -> str:
    if not layer["weights_bytes"]:
        return ""
    return f"{bytes_text(layer['weights_bytes'])}, {layer['weights_share']:.1f} %"

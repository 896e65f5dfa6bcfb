"""Reports: figures of layers, and that what they are written in is well-formed, complete and harmless."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from command_line import edgeq as run
from command_line import succeeds
from onnx import helper
from onnx_models import imported, model_of, weights

import edgeq
from edgeq import api
from edgeq.api.reporting import _cost_figures
from edgeq.codegen.manifest import read_target
from edgeq.quantize.histogram import Histogram
from edgeq.report.analysis import analyse, bars, helped_by, summary
from edgeq.report.html import page
from edgeq.report.markdown import document, plain
from edgeq.report.words import error_texts

EVIL = "</script><script>alert(1)</script>|`<img src=x onerror=alert(2)>"
VOID = {"meta", "img", "br", "link", "input", "hr"}


def a_model(path: Path, name: str) -> Path:
    """A convolution, a sum around a second one, and four classes; names of nodes begin with `name`."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], f"{name}1", kernel_shape=[3, 3], pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["r"], f"{name}2"),
        helper.make_node("Conv", ["r", "w2"], ["b"], f"{name}3", kernel_shape=[3, 3], pads=[1] * 4),
        helper.make_node("Add", ["r", "b"], ["c"], f"{name}4"),
        helper.make_node("Flatten", ["c"], ["f"], f"{name}5"),
        helper.make_node("Gemm", ["f", "w3"], ["y"], f"{name}6"),
    ]
    constants = {"w1": weights(4, 2, 3, 3), "w2": weights(4, 4, 3, 3), "w3": weights(4 * 36, 4)}
    onnx.save(model_of(nodes, {"x": (1, 2, 6, 6)}, ["y"], constants), path)
    return path


class Checked(HTMLParser):
    """Counts elements, and makes sure that each is closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: Counter[str] = Counter()
        self.handlers: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] += 1
        self.handlers += [key for key, _ in attrs if key.startswith("on")]
        self.links += [str(value) for key, value in attrs if key in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    model = edgeq.load(a_model(folder / "m.onnx", EVIL))
    x = np.random.default_rng(3).normal(size=(24, 2, 6, 6)).astype(np.float32)
    y = edgeq.quantize(model, x).predict(x)["y"].reshape(24, 4).argmax(axis=1)
    np.savez(folder / "data.npz", x=x, y=y)
    return folder / "data.npz"


@pytest.fixture(scope="module")
def builds(samples: Path) -> list[dict[str, Any]]:
    """The same model with 8 and with 4 bits, not compiled."""
    folder = samples.parent
    for bits in (8, 4):
        options = ("--calibration", samples, "--output", folder / f"w{bits}", "--weight-bits", bits, "--no-compile")
        words = (folder / "m.onnx", "--target", "cortex-m4", *map(str, options))
        succeeds("build", *words, "--report", folder / f"w{bits}.html")
    return api.report([folder / "w8", folder / "w4"], data=samples)["builds"]


def test_figures(builds: list[dict[str, Any]], samples: Path) -> None:
    eight, four = builds
    assert eight["kpis"]["top1_int8"] == 100.0 and eight["kpis"]["drop"] <= 0.0
    assert sum(map(sum, eight["confusion"]["int8"])) == 24
    assert four["kpis"]["sqnr_db"] < eight["kpis"]["sqnr_db"] - 6.0
    assert (eight["kpis"]["mean_weight_bits"], four["kpis"]["mean_weight_bits"]) == (8.0, 4.0)
    for build in builds:
        known = [layer for layer in build["layers"] if layer["noise_share"] is not None]
        assert sum(layer["noise_share"] for layer in known) == pytest.approx(100.0)
        first = next(layer for layer in known if layer["alone_db"] is not None)
        noise = sum(10 ** (-db / 10) for db in (first["alone_db"], known[0]["sqnr_db"]))
        assert first["sqnr_db"] == pytest.approx(-10 * np.log10(noise), abs=1.0), "its own and the input's"
        assert all(layer["clipped"] == 0.0 for layer in known), "it was calibrated on these samples"
        assert first["low"] <= first["seen"][0] and first["seen"][1] <= first["high"] + first["scale"]
        assert build["layers"][0]["reads"] == [-1]
        assert any(len(layer["reads"]) == 2 for layer in build["layers"]), "the sum reads two layers"
        assert sum(first["histogram"]["counts"]) == 24 * 4 * 36
    assert any("weight_bits = 8" in layer["advice"] for layer in four["layers"])
    assert eight["kpis"]["latency_ms"] is None, "nothing was compiled"


def test_the_page(builds: list[dict[str, Any]], samples: Path) -> None:
    text = page(builds)
    assert text == page(builds) and "Side by side" in text and "alert(1)" in text
    parser = Checked()
    parser.feed(text)
    assert parser.open == [] and parser.count["script"] == 1 and parser.handlers == []
    assert all(link.startswith(("#b", "data:image/svg+xml;base64,")) for link in parser.links), "it needs no network"
    assert parser.count["details"] == sum(len(build["layers"]) for build in builds)
    assert parser.count["img"] == len(builds), "the arena of each"
    written = samples.with_name("w8.html").read_text("utf-8")
    assert "default-src &#x27;none&#x27;" in written and "random" not in written, "it is about the calibration samples"


def test_markdown_and_json(builds: list[dict[str, Any]], samples: Path) -> None:
    text = document(builds)
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert "<img" not in text.replace("\\<img", "") and len(tables) > 20
    assert plain("a|b\n<c>") == "a\\|b \\<c\\>"
    folder = samples.parent
    shown = succeeds("report", folder / "w8", "--data", samples, "--json").json
    assert shown["builds"][0]["layers"] == builds[0]["layers"], "the same build and samples give the same figures"
    for name, problem in (("r.txt", "no format of reports"), ("none/r.md", "no such folder")):
        ended = run("report", folder / "w8", "--output", folder / name)
        assert ended.code == 2 and problem in ended.err


def test_of_a_quantized_model(samples: Path) -> None:
    folder = samples.parent
    succeeds("quantize", folder / "m.onnx", "--calibration", samples, "--report", folder / "q.html")
    text = (folder / "q.html").read_text("utf-8")
    parser = Checked()
    parser.feed(text)
    assert parser.open == [] and parser.count["img"] == 0 and "Confusion" in text
    model = edgeq.quantize(folder / "m.onnx", samples)
    shown = model._repr_html_()
    parser = Checked()
    parser.feed(shown)
    assert parser.open == [] and parser.count["script"] == 0 and f"{len(model.graph.nodes)} layers" in shown


def test_energy_and_price_of_the_target(samples: Path) -> None:
    folder = samples.parent
    power, price = "[power]\nvolts = 3.0\nactive_ma = 20\n", '[price]\namount = 2.5\ncurrency = "EUR"\nof = "chip"\n'
    (folder / "mine.toml").write_text(f'extends = "mps2-an386"\n{power}{price}')
    words = ("--target", folder / "mine.toml", "--calibration", samples, "--output", folder / "own", "--no-compile")
    succeeds("build", folder / "m.onnx", *words)
    (build,) = api.report([folder / "own"])["builds"]
    assert build["kpis"]["price"] == "2.5 EUR" and build["data"]["random"]
    drawn = read_target(folder / "own").power
    assert drawn is not None and drawn.watts == pytest.approx(0.06)
    costs = {"estimate_ms": 10.0, "unit": "instructions", "total": 1, "clock_mhz": 1.0, "cpi": 1.0}
    assert _cost_figures(costs, drawn.watts)["energy_uj"] == pytest.approx(600.0)
    (folder / "mine.toml").write_text('extends = "mps2-an386"\n[power]\nvolts = 3.0\n')
    ended = run("build", folder / "m.onnx", *words)
    assert ended.code == 2 and "power needs active_ma and volts" in ended.err


def test_clipping_and_advice(tmp_path: Path) -> None:
    """A layer whose range is given, and too narrow."""
    conv = helper.make_node("Conv", ["x", "w"], ["y"], "conv", kernel_shape=[1, 1])
    graph = imported(model_of([conv], {"x": (1, 2, 4, 4)}, ["y"], {"w": np.ones((2, 2, 1, 1), np.float32)}), tmp_path)
    x = np.random.default_rng(5).uniform(-1, 1, (16, 2, 4, 4)).astype(np.float32)
    config = edgeq.QuantConfig(layers=(edgeq.LayerConfig("conv", range=(-1.0, 1.0)),))
    model = edgeq.quantize(graph, x, config)
    assert model.samples is not None
    (facts,) = [f for f in analyse(model.float_graph, model.graph, model.samples) if f["op"] == "Conv2D"]
    sums = x.sum(axis=1)
    step = facts["scale"] or 0.0
    beyond = np.mean((sums < (facts["low"] or 0.0) - step) | (sums > (facts["high"] or 0.0) + step))
    assert facts["clipped"] == pytest.approx(100.0 * beyond) and facts["clipped"] > 10.0
    assert facts["saturated"] is not None and facts["saturated"] >= facts["clipped"]
    assert "do not fit" in helped_by(facts, 0.0)


def test_histograms_of_few_bars_lose_nothing() -> None:
    histogram = Histogram(1024)
    values = np.random.default_rng(1).normal(size=5000).astype(np.float32)
    values[:700] = 0.0
    histogram.add(values)
    found = bars(histogram)
    assert found is not None and len(found["counts"]) <= 64 and sum(found["counts"]) == 5000
    own, _ = np.histogram(values, found["low"] + found["width"] * np.arange(len(found["counts"]) + 1))
    assert own.tolist() == found["counts"]
    assert bars(Histogram(1024)) is None


def test_figures_of_autoencoders() -> None:
    """A constant output far from zero has a high SQNR, and none when it is centred."""
    rng = np.random.default_rng(2)
    real = 100.0 + rng.normal(size=(50, 6))
    constant = np.broadcast_to(real.mean(axis=0), real.shape)
    found = summary(real, constant, real + 1.0)
    assert found["constant_db"] > 35.0 and abs(found["centred_sqnr_db"]) < 1e-9
    assert found["score_error"] == pytest.approx(
        100 * np.max(np.abs(np.mean((constant - real - 1) ** 2, axis=1) - 1.0)), rel=1e-9
    )


@pytest.mark.parametrize(
    ("sqnr", "agreement", "texts"),
    [
        (34.56, None, ["SQNR 34.6 dB"]),
        (34.56, 99.0, ["SQNR 34.6 dB", "agreement with float 99 %"]),
        (None, None, ["no error"]),
        (None, 100.0, ["no error", "agreement with float 100 %"]),
        (None, 72.18, ["agreement with float 72.18 %"]),  # classes, some of which are others
    ],
)
def test_errors_in_words(sqnr: float | None, agreement: float | None, texts: list[str]) -> None:
    assert error_texts({"sqnr_db": sqnr, "agreement": agreement}) == texts

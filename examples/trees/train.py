"""Grow a random forest with scikit-learn that tells three wines apart by what a laboratory measures.

    python train.py     writes wine.onnx, test.npz, app/samples.h and picture.svg

Needs scikit-learn and skl2onnx. The data come with scikit-learn: 13 measurements of 178 wines, from alcohol in percent
to proline in milligrams per litre.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pictures import COLOURS, Picture  # noqa: E402

NAMES = ("first", "second", "third")
"""Of the cultivars, whose names the data do not tell."""


def main() -> None:
    """Grow, tell what is found, write the files."""
    from skl2onnx import to_onnx
    from sklearn.datasets import load_wine
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import train_test_split

    data = load_wine()
    x, y = data.data.astype(np.float32), np.array(NAMES)[data.target]
    known, others, classes, right = train_test_split(x, y, test_size=60, random_state=0, stratify=y)
    forest = RandomForestClassifier(20, max_depth=6, random_state=0).fit(known, classes)
    found = forest.predict(others)
    print(f"{(found == right).sum()} of {len(right)} wines are told")
    model = to_onnx(forest, known[:1], options={"zipmap": False}, target_opset={"": 18, "ai.onnx.ml": 3})
    (HERE / "wine.onnx").write_bytes(model.SerializeToString(deterministic=True))
    np.savez_compressed(HERE / "test.npz", X=others)
    (HERE / "app").mkdir(exist_ok=True)
    told = [forest.classes_.tolist().index(name) for name in right]
    lines = (f"    {{{{{', '.join(f'{v!s}f' for v in row)}}}, {wine}}}" for row, wine in zip(others, told, strict=True))
    rows = ",\n".join(lines)
    (HERE / "app" / "samples.h").write_text(
        "/* By train.py: measurements of wines that the forest has not seen, and which wines they are. */\n"
        f"enum {{ SAMPLES = {len(others)} }};\nstatic const struct {{\n    float measured[{x.shape[1]}];\n"
        f"    int wine;\n}} samples[SAMPLES] = {{\n{rows},\n}};\n",
        encoding="utf-8",
    )
    draw(forest, others, right, list(data.feature_names))


def draw(forest, x: np.ndarray, right: np.ndarray, features: list[str]) -> None:
    """The share of votes that each wine got, and which measurements decide."""
    picture = Picture(760, 260)
    order = np.argsort(right, kind="stable")
    votes = forest.predict_proba(x[order]).T
    picture.lines(20, 30, 470, 190, list(votes), 0, 1.02)
    for k, name in enumerate(forest.classes_):
        start = 20 + 470 * np.flatnonzero(right[order] == name)[0] / len(right)
        picture.text(start + 4, 22, f"{name} wine", 12, COLOURS[k])
    picture.text(20, 244, "Share of the trees that vote for each wine, for 60 wines.", 12)
    best = np.argsort(forest.feature_importances_)[::-1][:7]
    for line, k in enumerate(best):
        weight = forest.feature_importances_[k] / forest.feature_importances_[best[0]]
        picture.text(520, 44 + 27 * line, features[k].replace("_", " "), 11)
        picture.level(520, 50 + 27 * line, 210 * weight, "")
    picture.text(520, 244, "What decides most.", 12)
    picture.save(HERE / "picture.svg")


if __name__ == "__main__":
    main()

"""Makes pose.npz: heatmaps and offsets of people, and what the decoder of Coral's PoseNet finds in them.

Needs a C++ compiler, and Coral's sources (github.com/google-coral/edgetpu):

    PYTHONPATH=../../.. python make_pose.py PATH_OF_THE_SOURCES
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from edgeq.ops.posenet_decoder import EDGES, KEYPOINTS, TREE

CALLER = """
#include "src/cpp/posenet/posenet_decoder.h"
#include <cstdio>
#include <vector>
using namespace coral::posenet_decoder_op;
static std::vector<float> numbers(size_t count)
{
    std::vector<float> found(count);
    if (fread(found.data(), 4, count, stdin) != count) { throw 1; }
    return found;
}
int main()
{
    const std::vector<float> sizes = numbers(6);
    const int height = (int)sizes[0], width = (int)sizes[1], limit = (int)sizes[2], stride = (int)sizes[3];
    const size_t places = (size_t)height * width;
    const std::vector<float> heat = numbers(17 * places), near = numbers(34 * places), mid = numbers(64 * places);
    std::vector<PoseKeypoints> keypoints(limit);
    std::vector<PoseKeypointScores> scores(limit);
    std::vector<float> poses(limit);
    const float count = DecodeAllPoses(heat.data(), near.data(), mid.data(), height, width, limit, sizes[4], 5,
                                       sizes[5], stride, keypoints.data(), scores.data(), poses.data());
    fwrite(keypoints.data(), 4, 34 * limit, stdout);
    fwrite(scores.data(), 4, 17 * limit, stdout);
    fwrite(poses.data(), 4, limit, stdout);
    fwrite(&count, 4, 1, stdout);
}
"""
LIMIT, SCORE, RADIUS = 6, 0.35, 20.0
CASES = {"float32": (9, 11, 16, 4), "uint8": (10, 8, 8, 6), "crowd": (12, 12, 16, 5)}
"""Rows, columns, stride and people."""
STEPS = ((0.06, 140), (0.25, 120), (1.0, 125))
"""Scales and zero points of integers."""


def people(rng: np.random.Generator, height: int, width: int, stride: int, count: int) -> list[np.ndarray]:
    """Heatmaps and offsets around the keypoints of people, and noise."""
    shapes = [(1, height, width, n) for n in (KEYPOINTS, 2 * KEYPOINTS, 4 * EDGES)]
    heat, short, mid = (rng.normal(0, s, shape) for s, shape in zip((0.5, 0.3, 0.5), shapes, strict=True))
    heat -= 3.0
    y, x = np.meshgrid(np.arange(height) * stride, np.arange(width) * stride, indexing="ij")
    for _ in range(count):
        points = rng.uniform(0.1, 0.9, 2) + rng.normal(0, 0.12, (KEYPOINTS, 2))
        points = np.clip(points, 0, 1) * np.array([height - 1, width - 1]) * stride
        for k, (py, px) in enumerate(points):
            distance = np.hypot(y - py, x - px) / stride
            heat[0, ..., k] = np.maximum(heat[0, ..., k], 4.0 - 3.0 * distance + rng.normal())
            close = distance < 2
            for channel, offset in ((k, py - y), (KEYPOINTS + k, px - x)):
                short[0, ..., channel] = np.where(close, offset, short[0, ..., channel])
        for edge, (a, b) in enumerate(TREE):
            for block, (start, end) in enumerate(((a, b), (b, a))):
                close = np.hypot(y - points[start, 0], x - points[start, 1]) < 2 * stride
                for axis, grid in enumerate((y, x)):
                    channel = edge + (2 * block + axis) * EDGES
                    mid[0, ..., channel] = np.where(close, points[end, axis] - grid, mid[0, ..., channel])
    return [m.astype(np.float32) for m in (heat, short, mid)]


def main() -> None:
    sources, rng, arrays = Path(sys.argv[1]), np.random.default_rng(3), {}
    with tempfile.TemporaryDirectory() as folder:
        caller, program = Path(folder) / "caller.cc", Path(folder) / "caller"
        caller.write_text(CALLER)
        decoder = sources / "src/cpp/posenet/posenet_decoder.cc"
        subprocess.run(["g++", "-O1", "-ffp-contract=off", f"-I{sources}", caller, decoder, "-o", program], check=True)
        for name, (height, width, stride, count) in CASES.items():
            maps = people(rng, height, width, stride, count)
            if name != "float32":
                maps = [
                    np.clip(np.rint(m / s) + z, 0, 255).astype(np.uint8) for m, (s, z) in zip(maps, STEPS, strict=True)
                ]
            real = maps
            inverse = np.float32(1 / stride)
            factors = [np.float32(1), inverse, inverse]
            if name != "float32":
                real = [m.astype(np.float32) - np.float32(z) for m, (_, z) in zip(maps, STEPS, strict=True)]
                factors = [np.float32(s) * f for f, (s, _) in zip(factors, STEPS, strict=True)]
            sizes = np.array([height, width, LIMIT, stride, SCORE, np.float32(RADIUS) / stride], np.float32)
            given = b"".join([sizes.tobytes(), *((m * f).tobytes() for m, f in zip(real, factors, strict=True))])
            made = subprocess.run([program], input=given, capture_output=True, check=True).stdout
            found = np.split(np.frombuffer(made, np.float32), np.cumsum([34 * LIMIT, 17 * LIMIT, LIMIT]))
            arrays |= {f"{name}/{k}": m for k, m in enumerate(maps)}
            arrays |= {f"{name}/y{k}": y for k, y in enumerate(found)}
            arrays[f"{name}/stride"] = np.array(stride)
            print(name, found[3], found[2])
    np.savez_compressed(Path(__file__).with_name("pose.npz"), **arrays)


if __name__ == "__main__":
    main()

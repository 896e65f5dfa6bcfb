"""A camera's loop on a Raspberry Pi: how much of each frame is leaf.

    python camera.py                       takes frames from the Pi's camera, for ever
    python camera.py --frames FILE.npz     takes them from an array x of a file (n, 32, 32, 3), bytes

Needs the package `segmentation` that edgeq made (README.md), NumPy, and for the camera Picamera2.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
import segmentation

SIDE = 32


def from_file(path: str) -> Iterator[np.ndarray]:
    """Frames of a file."""
    yield from np.load(path)["x"]


def from_camera() -> Iterator[np.ndarray]:
    """Frames of the camera, the middle square, made small by taking means."""
    from picamera2 import Picamera2

    camera = Picamera2()
    side = 15 * SIDE
    # BGR888 is what libcamera calls bytes of red, green and blue, in this order.
    camera.configure(camera.create_video_configuration(main={"size": (640, side), "format": "BGR888"}))
    camera.start()
    while True:
        frame = camera.capture_array()[:, 80 : 80 + side]
        yield frame.reshape(SIDE, 15, SIDE, 15, 3).mean((1, 3)).round().astype(np.uint8)


def main() -> None:
    """Run the loop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", help="a file in place of the camera")
    options = parser.parse_args()
    for frame in from_file(options.frames) if options.frames else from_camera():
        start = time.perf_counter()
        leaf = segmentation.predict(frame[np.newaxis]) > 0.5
        spent = 1e3 * (time.perf_counter() - start)
        print(f"{100 * leaf.mean():5.1f} % leaf, in {spent:.1f} ms", flush=True)


if __name__ == "__main__":
    main()

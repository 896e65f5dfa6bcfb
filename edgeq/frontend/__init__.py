"""Features of sound: what the table `[frontend]` of an edgeq.toml puts before a model, as functions for training.

    from edgeq.frontend import Frontend, MelFrontend

    features = Frontend().features(samples)                          # (frames, 40) of int16 samples at 16 kHz
    features = MelFrontend(kind="mfcc", coefficients=10).features(samples)   # (frames, 10)

`Frontend` is TensorFlow's micro front end in whole numbers, `MelFrontend` log-mel bands and MFCCs in float32, and
`MotionFrontend` statistics and spectra of the axes of a sensor. The program that edgeq builds computes the same, bit
for bit.
"""

from edgeq.frontend.mel import MelFrontend
from edgeq.frontend.micro import Frontend
from edgeq.frontend.motion import MotionFrontend

AnyFrontend = Frontend | MelFrontend | MotionFrontend

__all__ = ["AnyFrontend", "Frontend", "MelFrontend", "MotionFrontend"]

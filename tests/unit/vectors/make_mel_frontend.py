"""Makes mel_frontend.npz: features of the sound in frontend.npz as TensorFlow and librosa make them, every third frame.

Needs `pip install tensorflow librosa`.
"""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import tensorflow as tf

FOLDER = Path(__file__).parent


def of_tensorflow(x: np.ndarray) -> dict[str, np.ndarray]:
    """The log-mel bands and MFCCs of MLPerf Tiny's keyword spotting."""
    spectrum = tf.abs(tf.signal.stft(x, 480, 320, window_fn=tf.signal.hann_window))
    weights = tf.signal.linear_to_mel_weight_matrix(40, spectrum.shape[-1], 16000, 20.0, 4000.0)
    logs = tf.math.log(tf.tensordot(spectrum, weights, 1) + 1e-6)
    return {"tf_log_mel": logs.numpy(), "tf_mfcc": tf.signal.mfccs_from_log_mel_spectrograms(logs).numpy()[:, :10]}


def of_librosa(x: np.ndarray) -> dict[str, np.ndarray]:
    """Bands with both mel scales, and MFCCs."""

    def mel(**of: object) -> np.ndarray:
        shape = {"sr": 16000, "n_fft": 512, "hop_length": 256, "n_mels": 24, "center": False}
        return np.asarray(librosa.feature.melspectrogram(y=x, **shape, **of))

    slaney = mel(fmin=0, fmax=8000)
    htk = mel(power=1.0, htk=True, norm=None, fmin=100, fmax=7000, window="hamming")
    logs = librosa.power_to_db(slaney, top_db=None)
    return {
        "librosa_slaney_db": (10 * np.log10(slaney.astype(np.float64) + 1e-10)).T.astype(np.float32),
        "librosa_htk": np.log10(np.maximum(htk, 1e-5)).T,
        "librosa_mfcc": librosa.feature.mfcc(S=logs, n_mfcc=12, dct_type=2, norm="ortho", lifter=22).T,
    }


if __name__ == "__main__":
    x = np.load(FOLDER / "frontend.npz")["sound"].astype(np.float32) / 32768
    rows = {name: features[::3] for name, features in {**of_tensorflow(x), **of_librosa(x)}.items()}
    np.savez_compressed(FOLDER / "mel_frontend.npz", **rows)

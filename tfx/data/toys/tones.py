"""Sounds that rise, fall, stay or tremble, as the picture of their frequencies over time.

A sound is a sine whose frequency moves along its class's curve from a start drawn at random, with noise.  Its
spectrogram (the sizes of a Fourier transform of each frame under a Hann window) is a picture, and a Vision Transformer
can read it: the way of the Audio Spectrogram Transformer (Gong et al. 2021).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

CLASSES = ("steady", "rising", "falling", "trembling")
N_FRAMES, N_BANDS = 8, 8
FRAME = 2 * N_BANDS  # samples


class Sounds(NamedTuple):
    """waves: (B, samples) float64; spectrograms: (B, bands, frames, 1) float32; labels: (B,) int64."""

    waves: np.ndarray
    spectrograms: np.ndarray
    labels: np.ndarray


def sounds(n: int, rng: np.random.Generator, noise: float = 0.3) -> Sounds:
    """n sounds with classes drawn uniformly."""
    labels = rng.integers(len(CLASSES), size=n)
    time = np.linspace(0.0, 1.0, N_FRAMES * FRAME)
    curves = np.stack([0 * time, time - 0.5, 0.5 - time, 0.5 * np.sin(4 * math.pi * time)])[labels]
    band = rng.uniform(2.5, N_BANDS - 2.5, size=(n, 1)) + 3.0 * curves  # cycles in one frame
    phase = 2 * math.pi * (np.cumsum(band, axis=1) / FRAME + rng.random((n, 1)))
    waves = np.sin(phase) + noise * rng.standard_normal(phase.shape)
    return Sounds(waves, spectrogram(waves), labels)


def spectrogram(waves: np.ndarray) -> np.ndarray:
    """waves: (B, N_FRAMES FRAME) -> (B, N_BANDS, N_FRAMES, 1) float32, about 0 to 1; the constant part is left out."""
    window = 0.5 - 0.5 * np.cos(2 * math.pi * (np.arange(FRAME) + 0.5) / FRAME)
    frames = waves.reshape(len(waves), N_FRAMES, FRAME) * window
    sizes = np.abs(np.fft.rfft(frames, axis=-1))[..., 1:] * (4 / FRAME)  # (B, frames, bands)
    return sizes.transpose(0, 2, 1)[..., None].astype("float32")

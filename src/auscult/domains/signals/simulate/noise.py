"""Smooth random series, which every simulator builds its slow changes from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal as sps


def smooth_noise(rng: np.random.Generator, count: int, width: float, channels: int = 1) -> NDArray[np.float64]:
    """Draw stationary Gaussian noise of mean 0 and standard deviation 1 that is smooth.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    count, channels : int
        Size of the answer.
    width : float
        Standard deviation, in steps, of the Gaussian kernel that smooths; the autocorrelation at lag `k` is
        ``exp(-(k / (2 * width)) ** 2)``.

    Returns
    -------
    array (count, channels) float64
        The noise, with independent channels.
    """
    pad = int(np.ceil(4 * width))
    kernel = np.exp(-0.5 * (np.arange(-pad, pad + 1) / width) ** 2)
    noise = rng.standard_normal((count + 2 * pad, channels))
    return np.asarray(sps.oaconvolve(noise, kernel[:, None] / np.linalg.norm(kernel), mode="valid", axes=0))

"""WFDB signal files that are FLAC streams: formats 508, 516 and 524, of 8, 16 and 24 bits.

Source: WFDB Applications Guide, "signal(5)" (PhysioNet, wfdb 10.7).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from auscult.base.errors import MissingExtraError, ReadError

FLAC_BITS = {508: 8, 516: 16, 524: 24}
INVALID_FLAC: dict[int, int | None] = {code: -(2 ** (bits - 1)) for code, bits in FLAC_BITS.items()}
"""Format to the value that means "no sample here"."""
_SUBTYPE_BITS = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}
_FREE_SAMPLES = 100_000_000
_PER_BYTE = 1000
"""A few bytes of FLAC can stand for a flat line of any length: at most so many samples a byte, beyond the free ones."""


def read_flac(
    path: Path, code: int, *, frame: tuple[int, ...], length: int | None, where: str
) -> npt.NDArray[np.int32]:
    """Decode a FLAC signal file.

    Parameters
    ----------
    path : Path
        The signal file.
    code : int
        508, 516 or 524.
    frame : tuple of int
        Samples a frame of each signal; a FLAC stream has one rate, so all are equal.
    length : int, optional
        Frames by the header; all of the stream where it says none.
    where : str
        The file, for messages.

    Returns
    -------
    (T, S) int32
        ADC values; a row is a frame, signal after signal.

    Raises
    ------
    ReadError
        If it is no FLAC stream, or another than the header says.
    MissingExtraError
        If the package that decodes FLAC is not installed.
    """
    if len(set(frame)) > 1:
        raise ReadError(f"{where}: expected one number of samples a frame in a FLAC file, got {sorted(set(frame))}")
    soundfile = _soundfile()
    try:
        with soundfile.SoundFile(path) as stream:
            bits = _SUBTYPE_BITS.get(stream.subtype, 0) if stream.format == "FLAC" else 0
            if not 0 < bits <= FLAC_BITS[code] or stream.channels != len(frame):
                raise ReadError(
                    f"{where}: expected a FLAC stream of {len(frame)} channels with at most {FLAC_BITS[code]} bits, "
                    f"got {stream.format} of {stream.channels} with {bits or 'other'}; is the header of this file?"
                )
            n_samples = stream.frames if length is None else length * frame[0]
            if stream.frames < n_samples:
                raise ReadError(
                    f"{where}: expected {n_samples} samples of each signal, got {stream.frames}; copy it again"
                )
            if n_samples * len(frame) > _FREE_SAMPLES + _PER_BYTE * path.stat().st_size:
                raise ReadError(f"{where}: expected a file that fits its {n_samples} samples, got a far smaller one")
            values = stream.read(n_samples - n_samples % frame[0], dtype="int32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ReadError(
            f"{where}: expected a FLAC stream, got something else or a damaged one; copy it again"
        ) from error
    if length is not None and len(values) < n_samples:
        raise ReadError(f"{where}: expected {n_samples} samples of each signal, got {len(values)}; the file is cut off")
    values >>= 32 - bits  # soundfile gives samples at the top of the word
    by_signal = values.reshape(-1, frame[0], len(frame)).transpose(0, 2, 1)  # (T, F, C) -> (T, C, F)
    return np.ascontiguousarray(by_signal.reshape(len(by_signal), -1))


def _soundfile() -> Any:
    """The package that decodes FLAC; few records need it, so it loads here."""
    try:
        import soundfile
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "the package 'soundfile' is not installed; install it with: pip install 'auscult[signals]'"
        ) from error
    return soundfile

"""Beat annotations in the MIT format, as in ``.atr`` files.

Source: WFDB Applications Guide, "annot(5)" (PhysioNet, wfdb 10.7) and its table of codes in ``ecgcodes.h``.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ReadError

# Code -> symbol of the annotations that are beats.
BEATS = {
    1: "N",
    2: "L",
    3: "R",
    4: "a",
    5: "V",
    6: "F",
    7: "J",
    8: "A",
    9: "S",
    10: "E",
    11: "j",
    12: "/",
    13: "Q",
    25: "B",
    30: "?",
    34: "e",
    35: "n",
    38: "f",
    41: "r",
}
_NOTE, _SKIP, _AUX = 22, 59, 63
_RESOLUTION = re.compile(rb"## time resolution: (\d{1,9}(?:\.\d{1,9})?)")
Words = npt.NDArray[np.uint16]


def read_annotations(data: bytes, file: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], float | None]:
    """Decode every annotation of a file.

    Parameters
    ----------
    data : bytes
        Content of the annotation file.
    file : str
        Its name, for messages.

    Returns
    -------
    position : (T,) int64
        Sample of each annotation.
    code : (T,) uint8
        Its code, 1 to 49.
    rate_hz : float or None
        Samples per second of the positions, where the file says so.

    Raises
    ------
    ReadError
        If the file is cut off, or its annotations go back in time.
    """
    if len(data) % 2 or len(data) < 2:
        raise ReadError(f"{file}: expected annotations as pairs of bytes, got {len(data)} bytes; is it cut off?")
    words = np.frombuffer(data, dtype="<u2")
    payload, skipped = _payload(words)
    end = np.flatnonzero((words == 0) & ~payload)
    if not len(end):
        raise ReadError(
            f"{file}: expected the end mark of MIT annotations, got none in {len(data)} bytes; is it cut off?"
        )
    last = int(end[0])
    rate_hz = _resolution(data[: 2 * last], words[:last])
    code = (words >> 10).astype(np.uint8)[:last]
    step = np.where(code < _SKIP, words[:last] & 0x3FF, 0).astype(np.int64)
    step[payload[:last]] = 0
    for place, samples in skipped:
        if place < last:
            step[place] = samples
    position = np.cumsum(step)
    marks = ~payload[:last] & (code > 0) & (code < _SKIP)
    position, code = position[marks], code[marks]
    if len(position) and (position[0] < 0 or (np.diff(position) < 0).any()):
        raise ReadError(f"{file}: expected annotations in order of time, got one that goes back; export it again")
    return position, code, rate_hz


def beats_of(
    position: npt.NDArray[np.int64], code: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Keep the beats.

    Returns
    -------
    position : (B,) int64
        Sample of each beat.
    symbol : (B,) uint8
        ``ord`` of its MIT symbol.
    """
    table = np.zeros(256, dtype=np.uint8)
    table[list(BEATS)] = [ord(symbol) for symbol in BEATS.values()]
    symbol = table[code]
    return position[symbol > 0], symbol[symbol > 0]


def _payload(words: Words) -> tuple[npt.NDArray[np.bool_], list[tuple[int, int]]]:
    """Return which words are the content of a SKIP or AUX, and the samples that each SKIP jumps.

    Only these two carry content, and a word in it may look like either; so candidates are walked in order.
    """
    inside = np.zeros(len(words), dtype=np.bool_)
    skipped: list[tuple[int, int]] = []
    free = 0
    code = words >> 10
    for place in np.flatnonzero((code == _SKIP) | (code == _AUX)).tolist():
        if place < free:
            continue
        if code[place] == _SKIP:
            free = place + 3
            if free <= len(words):
                jump = (int(words[place + 1]) << 16) | int(words[place + 2])
                skipped.append((place, jump - (1 << 32) if jump >= 1 << 31 else jump))
        else:
            free = place + 1 + ((int(words[place]) & 0x3FF) + 1) // 2
        inside[place + 1 : free] = True
    return inside, skipped


def _resolution(data: bytes, words: Words) -> float | None:
    """Return the samples per second that a note at the start of the file names."""
    if not len(words) or words[0] != _NOTE << 10:
        return None
    found = _RESOLUTION.search(data[:512])
    return float(found[1]) if found else None

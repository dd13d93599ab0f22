"""How WFDB packs samples into bytes, and back: formats 8, 16, 24, 32, 61, 80, 160, 212, 310 and 311.

Source: WFDB Applications Guide, "signal(5)" (PhysioNet, wfdb 10.7).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auscult.base.errors import ReadError, unknown

Bytes = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.integer]

# Format -> the value that means "no sample here"; format 8 has none.
INVALID: dict[int, int | None] = {
    8: None,
    16: -(2**15),
    24: -(2**23),
    32: -(2**31),
    61: -(2**15),
    80: -(2**7),
    160: -(2**15),
    212: -(2**11),
    310: -(2**9),
    311: -(2**9),
}
_WIDTH = {8: 1, 16: 2, 24: 3, 32: 4, 61: 2, 80: 1, 160: 2}
_PLAIN = {8: "<i1", 16: "<i2", 32: "<i4", 61: ">i2"}


def bytes_needed(code: int, samples: int, *, where: str) -> int:
    """Return how many bytes a number of samples takes.

    Parameters
    ----------
    code : int
        Storage format.
    samples : int
        Number of samples of all signals in the file.
    where : str
        The file, for the message.

    Raises
    ------
    ReadError
        If the format is unknown; lists the known.

    Examples
    --------
    >>> bytes_needed(212, 3, where="a.dat")  # one pair in 3 bytes, one sample in 2
    5
    """
    if code in _WIDTH:
        return samples * _WIDTH[code]
    if code == 212:
        return (3 * samples + 1) // 2
    if code in (310, 311):
        return 4 * (samples // 3) + (0, 2, 4 if code == 310 else 3)[samples % 3]
    known = unknown("WFDB storage format", code, INVALID, where=where)
    raise ReadError(f"{known}. Write the record in one of these, for example 16")


def samples_in(code: int, size: int, *, where: str) -> int:
    """Return how many whole samples fit into a number of bytes: the inverse of :func:`bytes_needed`."""
    if code in (310, 311):
        return 3 * (size // 4) + (0, 0, 1, 1 if code == 310 else 2)[size % 4]
    return size * 2 // bytes_needed(code, 2, where=where)


def unpack(raw: Bytes, code: int, samples: int) -> Samples:
    """Turn the bytes of a signal file into samples, in the order of the file.

    Parameters
    ----------
    raw : (B,) uint8
        At least ``bytes_needed(code, samples)`` bytes.
    code : int
        Storage format. For format 8 the result holds differences.
    samples : int
        Number of samples.

    Returns
    -------
    (samples,) array of int8, int16 or int32
        ADC values.
    """
    if code in _PLAIN:
        return np.frombuffer(raw, dtype=_PLAIN[code], count=samples)
    if code == 80:
        return raw[:samples].astype(np.int16) - np.int16(128)
    if code == 160:
        return (np.frombuffer(raw, dtype="<u2", count=samples) ^ np.uint16(0x8000)).view(np.int16)
    if code == 24:
        return _unpack24(raw, samples)
    if code == 212:
        return _unpack212(raw, samples)
    return _unpack_thirds(raw, code, samples)


def _blocks(raw: Bytes, width: int) -> Bytes:
    """Fill the last block with zeros and return the bytes as (blocks, width)."""
    short = -len(raw) % width
    if short:
        raw = np.concatenate([raw, np.zeros(short, dtype=np.uint8)])
    return raw.reshape(-1, width)


def _unpack24(raw: Bytes, samples: int) -> Samples:
    wide = np.zeros((samples, 4), dtype=np.uint8)
    wide[:, 1:] = raw[: 3 * samples].reshape(-1, 3)
    return wide.view("<i4")[:, 0] >> 8  # the shift carries the sign


def _unpack212(raw: Bytes, samples: int) -> Samples:
    """Two 12-bit samples in three bytes: low byte, two high nibbles, low byte."""
    blocks = _blocks(raw, 3)
    out = np.empty((len(blocks), 2), dtype=np.int16)
    middle = blocks[:, 1].astype(np.int16)
    np.bitwise_or((middle << 12) >> 4, blocks[:, 0], out=out[:, 0])
    np.bitwise_or(((middle & 0xF0) << 8) >> 4, blocks[:, 2], out=out[:, 1])
    return out.reshape(-1)[:samples]


def _unpack_thirds(raw: Bytes, code: int, samples: int) -> Samples:
    """Three 10-bit samples in four bytes, which are two little-endian words (310) or one (311)."""
    blocks = _blocks(raw, 4)
    out = np.empty((len(blocks), 3), dtype=np.int16)
    if code == 311:
        word = blocks.view("<u4")[:, 0]
        for place in range(3):
            out[:, place] = (word >> np.uint32(10 * place)) & np.uint32(0x3FF)
    else:
        pair = blocks.view("<u2")  # each: bit 0 unused, bits 1-10 a sample, bits 11-15 five bits of the third
        out[:, :2] = (pair >> 1) & 0x3FF
        out[:, 2] = ((pair[:, 1] >> 11) << 5) | (pair[:, 0] >> 11)
    out = (out << 6) >> 6  # 10-bit two's complement: the shifts carry the sign
    return out.reshape(-1)[:samples]

"""Beats of one record that look alike, and which of them are its dominant rhythm; no labels are used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auscult.domains.signals.preprocess.beats import Floats, Floats32, Ints, window_slice
from auscult.domains.signals.preprocess.filters import median

SHAPE = window_slice(-0.14, 0.14)
"""The part of a beat window that tells one QRS shape from another; a wide QRS complex fits in."""
ALIKE = 0.85
"""Correlation from which two QRS shapes belong together."""
LOOSELY_ALIKE = 0.75
"""Correlation below which a beat belongs to no group."""
MOST_GROUPS = 8
MOST_SAMPLED = 400
"""Groups are found on so many evenly spaced beats; all beats are then assigned."""
SMALLEST_SHARE = 0.003


@dataclass(frozen=True)
class BeatGroups:
    """Groups of like beats.

    Attributes
    ----------
    label : (N,) int64
        Group of each beat; `n_groups` stands for beats that are like no group.
    likeness : (N,) float64
        Correlation with the nearest group, -1 to 1.
    n_groups : int
        How many groups were found.
    dominant : (N,) bool
        Beats of the group that carries the record's rhythm; at least one.
    shapes : (N, C * W) float64
        The QRS shapes that were compared: mean 0 in each lead, length 1.
    """

    label: Ints
    likeness: Floats
    n_groups: int
    dominant: npt.NDArray[np.bool_]
    shapes: Floats


def group_beats(windows_mv: Floats32, before_after: Floats) -> BeatGroups:
    """Group the beats of one record by the shape of their QRS complex.

    A group grows around the beat with the most like beats, as long as free beats are left. Dominant is the
    largest group, where a group of beats that come early and are followed by a pause counts less: in bigeminy
    half of the beats are ectopic.

    Parameters
    ----------
    windows_mv : (N, C, W) float32
        Aligned windows (`aligned_windows`).
    before_after : (N,) float64
        Interval before each beat divided by the interval after it.

    Returns
    -------
    BeatGroups
        Leads with higher QRS complexes weigh more, because noise weighs less in them.
    """
    part = windows_mv[:, :, SHAPE].astype(np.float64)
    flat = (part - part.mean(axis=2, keepdims=True)).reshape(len(part), -1)
    shapes = flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-6)
    centres = _centres(shapes)
    likeness = shapes @ centres.T  # (N, G)
    n_groups = len(centres)
    best = likeness.max(axis=1)
    label = np.where(best > LOOSELY_ALIKE, likeness.argmax(axis=1), n_groups)
    weight = np.zeros(n_groups)
    for group in range(n_groups):
        member = label == group
        if member.any():
            weight[group] = member.sum() * np.clip(median(before_after[member]), 0.3, 1.2) ** 2
    dominant = label == int(weight.argmax())
    if not dominant.any():
        dominant = np.ones(len(label), dtype=np.bool_)
    return BeatGroups(label, best, n_groups, dominant, shapes)


def _centres(shapes: Floats) -> Floats:
    sampled = np.unique(np.linspace(0, len(shapes) - 1, min(len(shapes), MOST_SAMPLED)).astype(np.int64))
    pool = shapes[sampled]
    alike = pool @ pool.T > ALIKE  # (M, M)
    free = np.ones(len(pool), dtype=np.bool_)
    centres: list[Floats] = []
    while free.any() and len(centres) < MOST_GROUPS:
        counts = np.where(free, (alike & free).sum(axis=1), -1)
        leader = int(counts.argmax())
        member = alike[leader] & free
        member[leader] = True
        if centres and member.sum() < SMALLEST_SHARE * len(pool):
            break
        centre = _unit(pool[member].mean(axis=0))
        member |= (pool @ centre > ALIKE) & free
        centres.append(_unit(pool[member].mean(axis=0)))
        free &= ~member
    return np.array(centres)


def _unit(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    out: Floats = vector / max(length, 1e-9)
    return out

"""What to look for in images before anything is learned from them; a finding names at most 20 records.

Each check sees prepared records: pictures (H, W) from 0 to 1, or volumes (D, H, W) with their affine. What a reader or
the task refuses (a slice missing or doubled, two orientations in a series, another modality, a blank picture) is set
aside with its reason and is not seen here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import Finding, RecordBatch, Severity
from auscult.domains.imaging.preprocess.likeness import alike_pairs, grey_pictures, perceptual_hash, thumbnail
from auscult.domains.imaging.preprocess.volume import spacing_of, turn_of

Batches = Iterable[RecordBatch]
MAX_NAMED = 20
CLIPPED_SHARE = 0.25
"""Share of pixels at one end of the range; a chest X-ray has about a tenth, its background and markers."""
SATURATED_SHARE = 0.5
BLUR_OF_MEDIAN = 0.25
"""Sharpness of a picture against the median of the set, below which it is called blurred."""
MANY = 10
"""Records from which on a set has a usual sharpness, spacing or body part."""
SPACING_FACTOR = 1.5
USUAL_SHARE = 0.8
TEXT_SIDE = 64
TEXT_SHARE = 0.01


def spacing(batches: Batches) -> list[Finding]:
    """Volumes whose voxels are half as large again as usual, or smaller by as much, along an axis."""
    names: list[str] = []
    rows: list[Array] = []
    for batch in batches:
        if batch.has("affine"):
            names += batch.record.tolist()
            rows += [spacing_of(a)[list(turn_of(a).order)] for a in batch.dense("affine")]
    if len(rows) < MANY:
        return []
    ratio = np.stack(rows) / np.median(np.stack(rows), axis=0)
    odd = np.flatnonzero((np.maximum(ratio, 1 / ratio) > SPACING_FACTOR).any(axis=1))
    return _finding("spacing", "volumes whose spacing is far from the usual one", [names[k] for k in odd], "warning")


def orientation(batches: Batches) -> list[Finding]:
    """Volumes that are stored along other axes than most; they are turned, so this is told, not mended."""
    seen: dict[str, tuple[object, ...]] = {}
    for batch in batches:
        if batch.has("affine"):
            for name, affine in zip(batch.record.tolist(), batch.dense("affine"), strict=True):
                turn = turn_of(affine)
                seen[name] = (*turn.order, *turn.mirrored)
    return _unusual("orientation", "volumes that are stored in another orientation than most", seen, "info")


def body_part(batches: Batches) -> list[Finding]:
    """Records whose header names another body part than most."""
    seen: dict[str, tuple[object, ...]] = {}
    for batch in batches:
        stated = batch.groups.get("body_part")
        if stated is not None:
            pairs = zip(batch.record.tolist(), stated.tolist(), strict=True)
            seen |= {name: (part,) for name, part in pairs if part != "unknown"}
    return _unusual("body-part", "records whose header names another body part than most", seen, "warning")


def burned_in(batches: Batches) -> list[Finding]:
    """Records whose header says that text is burned in, and pictures with marks like text at their border.

    Text may name a person, and a network learns from it which ward an image came from.
    """
    told: list[str] = []
    seen: list[str] = []
    for batch in batches:
        stated = batch.groups.get("burned_in")
        if stated is not None:
            told += batch.record[stated == "YES"].tolist()
        seen += [name for name, image in _pictures(batch) if _text_like(image) > TEXT_SHARE]
    return [
        *_finding("burned-in-text", "records whose header says that text is burned in", told, "warning"),
        *_finding("burned-in-marks", "pictures with bright marks like text at their border", seen, "info"),
    ]


def clipped(batches: Batches) -> list[Finding]:
    """Pictures of which a quarter and more is plain white or plain black: a window that cuts what matters."""
    white, black = [], []
    for batch in batches:
        for name, image in _pictures(batch):
            share = float(np.mean(image >= 1.0))
            if CLIPPED_SHARE <= share < SATURATED_SHARE:
                white.append(name)
            if float(np.mean(image <= 0.0)) >= SATURATED_SHARE:
                black.append(name)
    return [
        *_finding("clipped-white", "pictures of which a quarter or more is plain white", white, "warning"),
        *_finding("clipped-black", "pictures of which half or more is plain black", black, "warning"),
    ]


def saturated(batches: Batches) -> list[Finding]:
    """Pictures of which half and more is plain white."""
    found = [n for b in batches for n, image in _pictures(b) if float(np.mean(image >= 1.0)) >= SATURATED_SHARE]
    return _finding("saturated", "pictures of which half or more is plain white", found, "warning")


def blur(batches: Batches) -> list[Finding]:
    """Pictures far less sharp than the others, by the spread of their second differences."""
    names, sharpness = [], []
    for batch in batches:
        for name, image in _pictures(batch):
            names.append(name)
            sharpness.append(_sharpness(image))
    if len(names) < MANY:
        return []
    limit = BLUR_OF_MEDIAN * float(np.median(sharpness))
    found = [n for n, value in zip(names, sharpness, strict=True) if value < limit]
    return _finding("blur", "pictures far less sharp than the others", found, "warning")


def alike_across_subjects(batches: Batches) -> list[Finding]:
    """Pictures of different subjects that show nearly the same (perceptual hash)."""
    seen = _Seen(batches)
    across = sorted({k for a, b in seen.pairs for k in (a, b) if seen.subject[a] != seen.subject[b]})
    text = "pictures of different subjects that show nearly the same: perhaps one person under two identifiers"
    return _finding("alike-across-subjects", text, [seen.name[k] for k in across], "warning")


def no_boxes(batches: Batches) -> list[Finding]:
    """Pictures without a box among pictures that have some: background, or a thing that was not marked."""
    empty: list[str] = []
    n_marked = 0
    for batch in batches:
        if batch.has("box_label"):
            bare = batch.ragged("box_label").lengths == 0
            empty += batch.record[bare].tolist()
            n_marked += int((~bare).sum())
    return _finding("no-boxes", "pictures without a box", empty, "info") if n_marked else []


def label_conflicts(batches: Batches) -> list[Finding]:
    """Pictures that show nearly the same and carry different labels."""
    seen = _Seen(batches)
    pairs = [(a, b) for a, b in seen.pairs if -1 not in (seen.label[a], seen.label[b])]
    found = sorted({k for a, b in pairs for k in (a, b) if seen.label[a] != seen.label[b]})
    text = "pictures that show nearly the same and are labelled differently"
    return _finding("label-conflicts", text, [seen.name[k] for k in found], "warning")


class _Seen:
    """Names, subjects and labels of the pictures of a set, and the pairs that look alike."""

    def __init__(self, batches: Batches) -> None:
        self.name: list[str] = []
        self.subject: list[str] = []
        self.label: list[int] = []
        hashes: list[int] = []
        thumbnails: list[Array] = []
        for batch in batches:
            pictures = list(grey_pictures(batch))
            if not pictures:
                continue
            self.name += batch.record.tolist()
            self.subject += [""] * len(batch) if batch.subject is None else batch.subject.tolist()
            self.label += batch.dense("label").tolist() if batch.has("label") else [-1] * len(batch)
            hashes += [perceptual_hash(image) for image in pictures]
            thumbnails += [thumbnail(image) for image in pictures]
        found = alike_pairs(np.array(hashes, dtype=np.uint64), np.array(thumbnails, dtype=np.float32))
        self.pairs: Sequence[tuple[int, int]] = [(a, b) for a, b in found.tolist()]


def _pictures(batch: RecordBatch) -> Iterator[tuple[str, Array]]:
    """Name and grey picture (H, W) of each record; none where a batch holds something else."""
    yield from zip(batch.record.tolist(), grey_pictures(batch), strict=False)  # none of a batch without pictures


def _sharpness(image: Array) -> float:
    """Spread of the second differences over the spread of the picture (Pech-Pacheco et al. 2000, ICPR)."""
    inner = image[1:-1, 1:-1]
    second = 4 * inner - image[:-2, 1:-1] - image[2:, 1:-1] - image[1:-1, :-2] - image[1:-1, 2:]
    return float(second.std() / max(float(image.std()), 1e-6))


def _text_like(image: Array) -> float:
    """Share of the border's pixels that are nearly white next to nearly black: strokes of letters."""
    if min(image.shape) < TEXT_SIDE:
        return 0.0
    edge = max(4, round(0.15 * image.shape[0]))
    border = np.concatenate([image[:edge], image[-edge:]])
    steps = np.abs(np.diff(border, axis=1)) > 0.6
    return float(steps.mean())


def _unusual(check: str, text: str, seen: dict[str, tuple[object, ...]], severity: Severity) -> list[Finding]:
    """Return records that differ from what at least four fifths of the set have in common."""
    if len(seen) < MANY:
        return []
    usual, count = Counter(seen.values()).most_common(1)[0]
    odd = [name for name, value in seen.items() if value != usual]
    if count < USUAL_SHARE * len(seen):
        return _finding(check, f"{text}; the set is mixed", odd, severity)
    return _finding(check, text, odd, severity)


def _finding(check: str, text: str, records: Sequence[str], severity: Severity) -> list[Finding]:
    return [Finding(check, severity, text, len(records), tuple(records[:MAX_NAMED]))] if records else []

"""Task ``image-segmentation``: a volume, such as an MR or CT series → a label for each voxel.

The network sees a grid of fixed size at one spacing and one orientation: the middle of a volume, or tiles that cover
it. Its answer is brought back to the geometry of the input, voxel by voxel.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array, Column, Ragged, require_finite
from auscult.base.contracts import Config, Field, Items, Outputs, RecordBatch, Run, TaskSpec, WriteContext
from auscult.base.errors import ReadError
from auscult.domains.imaging.preprocess.grid import resized
from auscult.domains.imaging.preprocess.tiles import blended, tiles_of
from auscult.domains.imaging.preprocess.volume import (
    framed,
    nearest,
    resampled,
    shape_at,
    spacing_of,
    standardised,
    turn_of,
    unframed,
)
from auscult.domains.imaging.preprocess.window import windowed
from auscult.domains.imaging.tasks.common import image_axes, rows_of
from auscult.domains.imaging.writers.mask import SegmentNames, write_mask
from auscult.engine.metrics.masks import surface_distance

SIGN_SIDE = 6
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
AFFINE = Field("affine", "array", "LC", unit="mm")


class ImageSegmentationConfig(Config):
    """Settings of the task."""

    labels: tuple[str, ...] = Setting(
        ("anterior", "posterior"), min_length=1, description="Names of the labels 1, 2, … in order."
    )
    grid: tuple[int, int, int] = Setting((12, 18, 12), description="Voxels along D, H and W of what the network sees.")
    cover: Literal["middle", "tiles"] = Setting(
        "middle", description="Of a larger volume the middle is seen, or all of it in overlapping tiles."
    )
    overlap: float = Setting(0.25, ge=0, le=0.9, description="Share of a tile that the next one covers too.")
    spacing_mm: float = Setting(1.0, gt=0, description="Distance of these voxels in mm.")
    window: tuple[float, float] | None = Setting(
        None, description="Centre and width in Hounsfield units for CT; without one intensities are standardised."
    )
    values: Literal["stated", "HU"] = Setting(
        "stated", description="'HU' vouches that files which name no unit, such as NIfTI of CT, hold Hounsfield units."
    )
    modalities: tuple[str, ...] = Setting(
        ("MR", "CT"), description="Modalities that a DICOM header may name; a file that names none passes."
    )
    codes: Mapping[str, tuple[str, str, str]] = Setting(
        default_factory=dict,
        description="Code of a label in a DICOM segmentation: value, scheme, meaning; a private code without.",
    )


class ImageSegmentation:
    """Volumes and the labels of their voxels."""

    Config: ClassVar[type[Config]] = ImageSegmentationConfig

    def __init__(self, config: ImageSegmentationConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="image-segmentation",
            kind="mask",
            summary="label of each voxel of a volume: the two parts of the hippocampus, or those that the recipe names",
            labels=config.labels,
            primary="dice",
            metrics=("dice", *(f"dice_{name}" for name in config.labels)),
            floor="label-prior",
            example="mr",
            tags=("MRI", "CT", "segmentation", "hippocampus"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Bring volumes to one orientation, spacing and scale; masks stay as they are.

        Raises
        ------
        ReadError
            If there is no volume with a geometry, or it is of another kind.
        ShapeError
            If a value is not finite, or the volume is blank.
        """
        c = self._config
        image_axes(batch, wanted=("DHW",), modalities=c.modalities, what="a volume")
        if not batch.has("affine"):
            raise ReadError("image: expected a volume with its place in the patient, got none; export its geometry")
        if c.window is not None and c.values == "stated" and batch.field("image").unit != "HU":
            raise ReadError(
                "image: expected Hounsfield units for the window of this release, got values without a unit; "
                "where you know that they are, say [task] values = 'HU'"
            )
        affines = batch.dense("affine")
        images = [self._seen(v, a) for v, a in zip(rows_of(batch.columns["image"]), affines, strict=True)]
        made: dict[Field, Column] = {
            Field("image", "array", "DHW", unit="1", ragged=True): Ragged.of(images, ragged_axes=3),
            Field("extent", "array", "C", unit="1"): np.array(
                [np.shape(v) for v in rows_of(batch.columns["image"])], dtype=np.int64
            ),
            AFFINE: np.asarray(affines, dtype=np.float64),
        }
        if batch.has("mask"):
            masks = rows_of(batch.columns["mask"])
            for m in masks:
                require_finite(np.asarray(m), "mask")
            if any(int(m.max(initial=0)) > len(c.labels) for m in masks):
                raise ReadError(f"mask: expected labels 0 to {len(c.labels)} for {', '.join(c.labels)}, got others")
            made[Field("mask", "array", "DHW", ragged=True)] = Ragged.of(masks, ragged_axes=3)
        drop = [f.name for f in batch.fields if f.name not in {m.name for m in made}]
        return batch.with_columns(made, drop=drop)

    def _seen(self, volume: Array, affine: Array) -> Array:
        c = self._config
        require_finite(np.asarray(volume), "image")
        turn = turn_of(affine)
        straight = turn.apply(np.asarray(volume, dtype=np.float32))
        spacing = spacing_of(affine)[list(turn.order)]
        at = resampled(straight, shape_at(straight.shape, spacing, c.spacing_mm))
        return standardised(at) if c.window is None else windowed(at, *c.window)

    def cut(self, batch: RecordBatch) -> Items:
        """One item a record, or one a tile: ``image`` (N, 1, D, H, W) on the grid, and the labels there, (N, D, H, W).

        ``position`` counts the tiles of a record.
        """
        images = rows_of(batch.columns["image"])
        parts = [self._parts(v, fill=float(v.min())) for v in images]
        image = np.concatenate(parts)[:, None]
        target = None
        if batch.has("mask"):
            triples = zip(rows_of(batch.columns["mask"]), batch.dense("affine"), images, strict=True)
            target = np.concatenate([self._parts(nearest(turn_of(a).apply(m), v.shape)) for m, a, v in triples])
        counts = [len(p) for p in parts]
        rows = np.repeat(np.arange(len(batch), dtype=np.int64), counts)
        position = np.concatenate([np.arange(n, dtype=np.int64) for n in counts])
        return Items({"image": image.astype(np.float32)}, rows, position, target)

    def _parts(self, volume: Array, *, fill: float = 0.0) -> Array:
        """Return what the network sees of a volume: (D, H, W) -> (T, *grid)."""
        c = self._config
        if c.cover == "tiles":
            return tiles_of(volume, c.grid, c.overlap, fill=fill)
        return framed(volume, c.grid, fill=fill)[None]

    def signs(self, items: Items) -> Array:
        """Means on a coarse grid and percentiles of a volume: (N, 216 + 7)."""
        image = np.asarray(items.inputs["image"], dtype=np.float32)[:, 0]
        coarse = np.stack([resized(row, (SIGN_SIDE,) * 3).ravel() for row in image])
        shares = np.percentile(image.reshape(len(image), -1), PERCENTILES, axis=1).T
        return np.concatenate([coarse, shares], axis=1)

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One mask a record in the geometry of its input; ``spacing`` (M, 3) is that of its voxels in mm."""
        affines, extents = batch.dense("affine"), batch.dense("extent")
        images = rows_of(batch.columns["image"])
        records = np.unique(items.record)
        found = [arrays["probability"][np.flatnonzero(items.record == r)] for r in records]
        masks = [
            self._mask(self._whole(p, images[r].shape), affines[r], extents[r], images[r].shape)
            for p, r in zip(found, records, strict=True)
        ]
        made: dict[str, Column] = {
            "mask": Ragged.of(masks, ragged_axes=3),
            "spacing": np.stack([spacing_of(affines[r]) for r in records]),
        }
        target: dict[str, Column] | None = None
        if batch.has("mask"):
            truth = rows_of(batch.columns["mask"])
            target = {"mask": Ragged.of([truth[r] for r in records], ragged_axes=3)}
        return Outputs(made, records, None, target)

    def _whole(self, found: Array, shape: tuple[int, ...]) -> Array:
        """Bring probabilities of the parts (T, K, *grid) to the volume that was cut, (K, D, H, W)."""
        if self._config.cover == "tiles":
            return blended(found, shape, self._config.overlap)
        return np.stack([unframed(p, shape, fill=float(k == 0)) for k, p in enumerate(found[0])])

    def _mask(self, probability: Array, affine: Array, extent: Array, shape: tuple[int, ...]) -> Array:
        """Bring probabilities (K, D, H, W) of the volume that was cut to labels in the geometry of the input."""
        turn = turn_of(affine)
        straight = tuple(int(extent[k]) for k in turn.order)
        if straight == shape:
            label = probability.argmax(axis=0).astype(np.uint8)
        else:
            label = np.stack([resampled(p, straight) for p in probability]).argmax(axis=0).astype(np.uint8)
        return np.ascontiguousarray(turn.undo(label))

    def write(
        self, batch: RecordBatch, outputs: Outputs, out: Path, *, context: WriteContext
    ) -> list[tuple[Path, ...]]:
        """Write each mask in the geometry of its image: a DICOM segmentation of a DICOM series, else NIfTI.

        Raises
        ------
        ReadError
            If the images lack what a segmentation must say of them.
        UsageError
            If a file is there already.
        """
        masks = outputs.ragged("mask")
        named = SegmentNames(self.spec.labels, self._config.codes)
        written: list[tuple[Path, ...]] = [()] * len(batch)
        for n, row in enumerate(outputs.record):
            written[row] = (write_mask(out, masks[n], str(batch.record[row]), names=named, context=context),)
        return written

    def draw(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[Any]:
        """Draw the labels on slices of a few volumes in the common orientation."""
        from auscult.domains.imaging.pictures import mask_figure

        images, affines = rows_of(batch.columns["image"]), batch.dense("affine")
        volumes = [images[r] for r in outputs.record]
        masks = [
            nearest(turn_of(affines[r]).apply(m), images[r].shape)
            for r, m in zip(outputs.record, outputs.ragged("mask"), strict=True)
        ]
        return [mask_figure(volumes, masks, self.spec.labels)]

    def summary(self, outputs: Outputs) -> Mapping[str, float]:
        """Distance of surfaces in mm and error of volumes in mm³ of each label, as means over the volumes."""
        found, truth, spacing = outputs.ragged("mask"), outputs.ragged_truth("mask"), outputs.array("spacing")
        figures: dict[str, float] = {}
        for k, name in enumerate(self.spec.labels, start=1):
            rows = [_apart(truth[r] == k, found[r] == k, spacing[r]) for r in range(len(outputs))]
            table = np.array(rows, dtype=np.float64)
            with np.errstate(invalid="ignore"):
                mean = np.nanmean(table, axis=0) if np.isfinite(table).any() else np.full(3, np.nan)
            names = (f"surface_distance_{name}_mm", f"surface_distance_p95_{name}_mm", f"volume_error_{name}_mm3")
            figures |= {key: float(v) for key, v in zip(names, mean, strict=True)}
        return figures


def _apart(truth: Array, found: Array, spacing: Array) -> tuple[float, float, float]:
    """Mean and 95th percentile of the distance of two surfaces in mm, and the difference of volume in mm³."""
    error = abs(float(truth.sum()) - float(found.sum())) * float(np.prod(spacing))
    if not truth.any() or not found.any():
        return np.nan, np.nan, error
    distance = surface_distance(truth, found, spacing_mm=[float(v) for v in spacing])
    return distance.mean_mm, distance.p95_mm, error

"""Task ``image-synthesis``: a class -> new pictures of it, each made of noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field as Setting

from auscult.base.arrays import Array, Column
from auscult.base.contracts import (
    Config,
    FitContext,
    Index,
    Items,
    ItemSet,
    Outputs,
    Probe,
    RecordBatch,
    Run,
    TaskSpec,
)
from auscult.domains.imaging.preprocess.appearance import appearance, frechet_distance
from auscult.domains.imaging.preprocess.likeness import alike_pictures
from auscult.domains.imaging.tasks.common import Fit, labelled_squares
from auscult.domains.imaging.tasks.synthesis_probes import Trial, probes
from auscult.domains.imaging.writers.synthetic import SyntheticImage, write_synthetic

BLOCK = 512


class ImageSynthesisConfig(Config):
    """Settings of the task."""

    labels: tuple[str, ...] = Setting(
        ("normal", "pneumonia"), min_length=1, description="Names of the classes, in the order of their numbers."
    )
    side: int = Setting(28, ge=16, le=128, description="Pixels along each side of a picture.")
    fit: Fit = Setting("crop", description="A picture that is no square is cut to its middle, or padded.")
    modalities: tuple[str, ...] = Setting(
        ("CR", "DX", "RG", "RF", "XA", "OT", "SC"),
        description="Modalities that a DICOM header may name; a header that names none passes.",
    )
    noise: int = Setting(64, ge=2, le=1024, description="Random numbers that a picture is made of.")
    trainings: int = Setting(3, ge=1, description="Classifiers that are trained on each kind of pictures in the test.")
    trial_epochs: int = Setting(8, ge=1, description="Passes of each of these trainings.")
    few: float = Setting(0.1, gt=0, le=1, description="Share of the real pictures that generated ones are added to.")


class ImageSynthesis:
    """Pictures, each made of noise and a class."""

    Config: ClassVar[type[Config]] = ImageSynthesisConfig

    def __init__(self, config: ImageSynthesisConfig) -> None:
        self._config = config
        self.spec = TaskSpec(
            name="image-synthesis",
            kind="sample",
            summary="new pictures of a class, such as chest X-rays with pneumonia, made of noise",
            labels=config.labels,
            primary="kid",
            metrics=("kid",),
            floor="pixel-gaussian",
            example="image-set",
            resample="record",
            tags=("synthetic images", "generative adversarial network", "data augmentation", "privacy"),
        )

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Bring pictures to one grid, and labels to numbers.

        Raises
        ------
        ReadError
            If there is no picture, it is of another kind or blank, or a label is unknown.
        ShapeError
            If a value is not finite.
        """
        c = self._config
        return labelled_squares(batch, labels=c.labels, side=c.side, fit=c.fit, modalities=c.modalities)

    def match(self, batches: Iterable[RecordBatch]) -> Index:
        """Pictures that show nearly the same, by a perceptual hash."""
        return alike_pictures(batches)

    def cut(self, batch: RecordBatch) -> Items:
        """One item a record with a label: ``noise`` (N, Z), ``label`` (N,); the target is the picture, (N, 1, H, W).

        The noise of a record depends on its content alone, so the same record asks for the same new picture.
        """
        return self._items(batch, np.flatnonzero(np.asarray(batch.dense("label")) >= 0))

    def cut_new(self, batch: RecordBatch) -> Items:
        """One item a record, as ``cut``; one without a label asks for a class that is drawn with the noise."""
        return self._items(batch, np.arange(len(batch)))

    def _items(self, batch: RecordBatch, rows: Index) -> Items:
        image = np.asarray(batch.dense("image"), dtype=np.float32)[rows]
        label = np.array(batch.dense("label"), dtype=np.int64)[rows]
        noise = np.empty((len(rows), self._config.noise), dtype=np.float32)
        for row, picture in enumerate(image):
            rng = np.random.default_rng(int.from_bytes(sha256(picture.tobytes()).digest()[:8], "big"))
            noise[row] = rng.normal(size=self._config.noise)
            if label[row] < 0:
                label[row] = rng.integers(len(self.spec.labels))
        return Items({"noise": noise, "label": label}, rows, np.zeros_like(rows), image[:, None])

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """One new picture a record, with its features; the truth are features of the record's own picture."""
        sample = np.asarray(arrays["sample"], dtype=np.float32)
        target: dict[str, Column] | None = None
        if items.target is not None:
            target = {"real": appearance(np.asarray(items.target)[:, 0])}
        return Outputs({"sample": sample, "feature": appearance(sample[:, 0])}, items.record, None, target)

    def summary(self, outputs: Outputs) -> dict[str, float]:
        """Give the Fréchet distance of the features of generated and of real pictures."""
        return {"frechet_distance": frechet_distance(outputs.array("feature"), np.asarray(outputs.truth("real")))}

    def probe(self, roles: Mapping[str, ItemSet], run: Run, context: FitContext) -> list[Probe]:
        """Judge what generated pictures are worth for training, and whether they are copies."""
        c = self._config
        trial = Trial(c.trainings, c.trial_epochs, c.few)
        return probes(self.spec, roles, run, context=context, trial=trial)

    def generate(self, run: Run, out: Path, *, count: int, seed: int) -> list[Path]:
        """Write pictures of the classes in turn, each as PNG and as DICOM that say in their metadata what they are.

        Raises
        ------
        UsageError
            If one of the files is there already.
        """
        written: list[Path] = []
        rng = np.random.default_rng(seed)
        for first in range(0, count, BLOCK):
            number = np.arange(first, min(first + BLOCK, count))
            label = number % len(self.spec.labels)
            noise = rng.normal(size=(len(number), self._config.noise)).astype(np.float32)
            images = np.asarray(run({"noise": noise, "label": label})["sample"])[:, 0]
            for n, k, image in zip(number, label, images, strict=True):
                written += write_synthetic(out, SyntheticImage(image, self.spec.labels[int(k)], int(n), seed))
        return written

"""Public image datasets: where they are, under which licence."""

from __future__ import annotations

from auscult.base.contracts import PublicSet

DATASETS = {
    "pneumoniamnist": PublicSet(
        "PneumoniaMNIST: 5,856 chest X-rays of children, 28 × 28 pixels, normal or pneumonia (MedMNIST v2)",
        "https://medmnist.com",
        "CC BY 4.0",
    ),
    "msd-hippocampus": PublicSet(
        "Medical Segmentation Decathlon, task 4: MR volumes of the hippocampus with two labels",
        "http://medicaldecathlon.com",
        "CC BY-SA 4.0",
    ),
    "surgical-tools": PublicSet(
        "Surgical tools dataset: photographs of 18 surgical instruments with boxes",
        "https://universe.roboflow.com/surgical-tools/surgical-tools-dataset",
        "CC BY 4.0",
    ),
}

"""Imaging: X-ray, CT, MR and photographs, from DICOM and picture files to answers."""

from __future__ import annotations

from auscult.base.contracts import Domain
from auscult.domains.imaging.datasets import DATASETS
from auscult.domains.imaging.fault_names import IMAGE_FAULTS

_HERE = "auscult.domains.imaging"

DOMAIN = Domain(
    name="imaging",
    summary="X-ray, CT, MR and instrument photographs: classes, masks, boxes, synthetic images",
    readers={
        "dicom": f"{_HERE}.readers.dicom:DicomReader",
        "image-set": f"{_HERE}.readers.image_set:ImageSetReader",
        "nifti": f"{_HERE}.readers.nifti:NiftiReader",
        "yolo": f"{_HERE}.readers.yolo:YoloReader",
        "photo": f"{_HERE}.readers.photo:PhotoReader",
    },
    tasks={
        "image-classification": f"{_HERE}.tasks.image_classification:ImageClassification",
        "object-detection": f"{_HERE}.tasks.object_detection:ObjectDetection",
        "image-synthesis": f"{_HERE}.tasks.image_synthesis:ImageSynthesis",
        "image-segmentation": f"{_HERE}.tasks.image_segmentation:ImageSegmentation",
    },
    models={
        "texture-trees": f"{_HERE}.models.texture_trees:TextureTrees",
        "convnet": f"{_HERE}.models.convnet:Convnet",
        "vgg": f"{_HERE}.models.vgg:Vgg",
        "inception": f"{_HERE}.models.inception:Inception",
        "label-prior": f"{_HERE}.models.label_prior:LabelPrior",
        "region-trees": f"{_HERE}.models.region_trees:RegionTrees",
        "region-net": f"{_HERE}.models.region_net:RegionNet",
        "detector": f"{_HERE}.models.detector:Detector",
        "pixel-gaussian": f"{_HERE}.models.pixel_gaussian:PixelGaussian",
        "gan": f"{_HERE}.models.gan:Gan",
        "unet": f"{_HERE}.models.unet:Unet",
        "resnet": f"{_HERE}.models.resnet:Resnet",
    },
    checks={
        "spacing": f"{_HERE}.checks:spacing",
        "orientation": f"{_HERE}.checks:orientation",
        "body-part": f"{_HERE}.checks:body_part",
        "burned-in": f"{_HERE}.checks:burned_in",
        "clipped": f"{_HERE}.checks:clipped",
        "saturated": f"{_HERE}.checks:saturated",
        "blur": f"{_HERE}.checks:blur",
        "alike-across-subjects": f"{_HERE}.checks:alike_across_subjects",
        "no-boxes": f"{_HERE}.checks:no_boxes",
        "label-conflicts": f"{_HERE}.checks:label_conflicts",
    },
    examples={
        "xray": f"{_HERE}.examples:write_xray_example",
        "mr": f"{_HERE}.examples:write_mr_example",
        "instruments": f"{_HERE}.examples:write_instruments_example",
        "image-set": f"{_HERE}.examples:write_image_set_example",
    },
    faults={name: f"{_HERE}.faults:{name.replace('-', '_')}" for name in IMAGE_FAULTS},
    datasets=DATASETS,
)

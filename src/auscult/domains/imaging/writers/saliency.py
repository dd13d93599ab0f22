"""What carried an answer as a picture: PNG, whose metadata say what it is and which release made it."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from auscult.base.arrays import Array
from auscult.base.contracts import WriteContext
from auscult.base.errors import MissingExtraError
from auscult.base.files import write_bytes
from auscult.domains.imaging.preprocess.overlay import with_saliency

LEAST_SIDE = 448


def write_saliency(
    out: Path, image: Array, record: str, *, explained: Mapping[str, Any], context: WriteContext
) -> Path:
    """Write ``<record>.saliency.png``: what the model saw, and beside it what carried the answer.

    Parameters
    ----------
    out : Path
        The folder.
    image : (H, W) array
        What the model saw, 0 to 1.
    record : str
        Name of the record.
    explained : mapping
        ``fall`` (F, F), and the ``label`` whose probability falls.
    context : WriteContext
        Where the image came from, and which release answers.

    Raises
    ------
    UsageError
        If the file is there already.
    MissingExtraError
        If Pillow is not installed.
    """
    try:
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo
    except ImportError as error:
        raise MissingExtraError("writing pictures needs Pillow: pip install 'auscult[imaging]'") from error
    fall = np.asarray(explained["fall"], dtype=np.float64)
    full = max(float(np.abs(fall).max()), 0.02)
    times = max(1, -(-LEAST_SIDE // max(image.shape)))
    large = np.asarray(image, dtype=np.float32).repeat(times, axis=0).repeat(times, axis=1)
    plain = np.repeat(large[..., None], 3, axis=2)
    both = np.concatenate([plain, with_saliency(large, fall, full=full)], axis=1)
    told = PngInfo()
    told.add_text("Software", f"Auscult, release {context.about['name']} {context.about['version']}")
    told.add_text("Comment", f"Change of the probability of '{explained['label']}' by occlusion, up to {full:.3f}")
    stream = BytesIO()
    Image.fromarray(np.round(255 * np.clip(both, 0, 1)).astype(np.uint8)).save(stream, "PNG", pnginfo=told)
    path = context.fresh(out, f"{record}.saliency.png")
    write_bytes(path, stream.getvalue())
    return path

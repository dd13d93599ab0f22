"""An ONNX graph whose matrix products run on whole numbers of 8 bits."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path


def in_int8(graph: bytes) -> bytes:
    """Return an ONNX model whose matrix products with weights run on whole numbers of 8 bits.

    The weights are rounded once, by column; what comes in is rounded by its own range at each run.

    Parameters
    ----------
    graph : bytes
        The ONNX model.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    root.addFilter(_asked_for)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "int8.onnx"
            quantize_dynamic(onnx.load_from_string(graph), path, per_channel=True, weight_type=QuantType.QInt8)
            return path.read_bytes()
    finally:
        root.removeFilter(_asked_for)


def _asked_for(record: logging.LogRecord) -> bool:
    """Whether a message is not the quantiser's advice to prepare a graph, which is prepared."""
    return "pre-processing" not in record.getMessage()

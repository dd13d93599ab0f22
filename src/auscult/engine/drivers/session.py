"""One ONNX graph, opened the same way everywhere."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnxruntime as ort

from auscult.base.arrays import Array
from auscult.base.errors import ShapeError

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(int64)": np.int64,
    "tensor(double)": np.float64,
    "tensor(bool)": np.bool_,
    "tensor(uint8)": np.uint8,
}


class Session:
    """An ONNX graph on the processor.

    Parameters
    ----------
    graph : bytes
        The ONNX model.
    threads : int
        Threads within one operator.
    """

    def __init__(self, graph: bytes, threads: int) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._inputs = {i.name: (_TYPES[i.type], i.shape) for i in self._session.get_inputs()}
        self._outputs = [o.name for o in self._session.get_outputs()]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the graph's inputs."""
        return tuple(self._inputs)

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run the graph on N items.

        Raises
        ------
        ShapeError
            If an input is absent or has other axes than the graph.
        """
        feed = {}
        for name, (dtype, shape) in self._inputs.items():
            if name not in inputs:
                raise ShapeError(f"program: expected the input '{name}', got {sorted(inputs)}")
            value: Array = np.ascontiguousarray(inputs[name], dtype=dtype)
            fits = value.ndim == len(shape) and all(
                not isinstance(want, int) or want == got for want, got in zip(shape[1:], value.shape[1:], strict=True)
            )
            if not fits:
                raise ShapeError(f"program input '{name}': expected shape {tuple(shape)}, got {value.shape}")
            feed[name] = value
        return dict(zip(self._outputs, self._session.run(None, feed), strict=True))

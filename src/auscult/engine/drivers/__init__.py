"""The closed list of ways to run a program; numpy and onnxruntime only."""

from __future__ import annotations

from collections.abc import Mapping

from auscult.base.arrays import Array, require_finite
from auscult.base.contracts import Program, Run
from auscult.base.errors import ShapeError, VerifyError, unknown
from auscult.base.registry import resolve

DRIVERS = {
    "forward": "auscult.engine.drivers.forward:load",
    "tiled": "auscult.engine.drivers.tiled:load",
    "decode": "auscult.engine.drivers.decode:load",
    "linear-sparse": "auscult.engine.drivers.linear_sparse:load",
    "neighbours": "auscult.engine.drivers.neighbours:load",
    "sparse-topk": "auscult.engine.drivers.sparse_topk:load",
}


def load_program(program: Program, *, threads: int = 1) -> Run:
    """Make a program ready to run.

    Parameters
    ----------
    program : Program
        What a fitted model exported, or what was read from a release.
    threads : int
        Threads of the ONNX runtime.

    Returns
    -------
    Run
        Refuses inputs that are absent, differ in length, have other axes than in training, or hold NaN (ShapeError).

    Raises
    ------
    VerifyError
        If the driver is not on the list.
    """
    if program.driver not in DRIVERS:
        raise VerifyError(unknown("driver", program.driver, DRIVERS))
    inner: Run = resolve(DRIVERS[program.driver])(program, threads)

    def run(inputs: Mapping[str, Array]) -> dict[str, Array]:
        for name in program.inputs:
            if name not in inputs:
                raise ShapeError(f"program: expected the input '{name}', got {', '.join(sorted(inputs)) or 'none'}")
            require_finite(inputs[name], f"program input '{name}'")
        lengths = {name: len(inputs[name]) for name in program.inputs}
        if len(set(lengths.values())) > 1:
            raise ShapeError(f"program inputs: expected the same number of items in each, got {lengths}")
        return inner(inputs)

    return run

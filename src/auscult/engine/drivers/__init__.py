"""The closed list of ways to run a program; numpy and onnxruntime only."""

from __future__ import annotations

from auscult.base.contracts import Program, Run
from auscult.base.errors import VerifyError, unknown
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

    Raises
    ------
    VerifyError
        If the driver is not on the list.
    """
    if program.driver not in DRIVERS:
        raise VerifyError(unknown("driver", program.driver, DRIVERS))
    run: Run = resolve(DRIVERS[program.driver])(program, threads)
    return run

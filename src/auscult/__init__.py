"""Auscult: from a folder of medical-device exports to a model release that can be defended.

Every verb of the command line is a function here; they are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auscult.service.verbs import (
        build,
        compare,
        datasets,
        generate,
        get_dataset,
        inspect,
        models,
        predict,
        report,
        scan,
        serve,
        verify,
    )

__all__ = [
    "build",
    "compare",
    "datasets",
    "generate",
    "get_dataset",
    "inspect",
    "models",
    "predict",
    "report",
    "scan",
    "serve",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from auscult.service import verbs

        return getattr(verbs, name)
    raise AttributeError(f"module 'auscult' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)

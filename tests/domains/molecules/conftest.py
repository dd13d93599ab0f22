"""A small release that answers compounds, built once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import auscult
from auscult.base.recipe import Recipe

from .small import SMALL_RECIPE


@pytest.fixture(scope="session")
def release(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Folder of the release."""
    made = Recipe.model_validate(SMALL_RECIPE)
    return once("compounds", lambda folder: auscult.build(made, folder)) / "release"

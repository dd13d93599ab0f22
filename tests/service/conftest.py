"""One tiny release for every test of the service, waves that it has not seen, and a client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from httpx import Client

from auscult.engine.build import build
from auscult.engine.runtime import Release, open_release
from service.helpers import NAME, running
from toys import DOMAIN
from toys.examples import write_waves
from toys.recipes import toy_recipe


@pytest.fixture(scope="session")
def release_folder(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A release that finds spikes in waves, by the nearest training windows."""
    recipe = toy_recipe("spikes", model={"name": "nearest"}, train={"epochs": 2})
    return once("service-spikes", lambda folder: build(recipe, folder, DOMAIN)) / "release"


@pytest.fixture(scope="session")
def release(release_folder: Path) -> Release:
    return open_release(release_folder, lambda _: DOMAIN)


@pytest.fixture(scope="session")
def waves(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three files of eight simulated waves that the release has not seen."""
    folder = tmp_path_factory.mktemp("waves")
    write_waves(folder, 99, small=False)
    return sorted(folder.glob("*.toy"))


@pytest.fixture(scope="session")
def client(release: Release) -> Iterator[Client]:
    with running({NAME: release}) as made:
        yield made

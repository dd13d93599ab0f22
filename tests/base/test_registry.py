"""Names become objects on demand; a wrong name says the right ones."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from auscult.base import registry
from auscult.base.errors import MissingExtraError, UsageError
from auscult.base.registry import domain_table, load_domain, load_part, resolve
from toys import DOMAIN
from toys.models.mlp import Mlp


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    domain_table.cache_clear()
    load_domain.cache_clear()
    yield
    domain_table.cache_clear()
    load_domain.cache_clear()


def _points(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    made = [EntryPoint(name, address, registry.ENTRY_POINT_GROUP) for name, address in points]
    monkeypatch.setattr(registry, "entry_points", lambda group: made)


def test_a_third_party_domain_comes_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    _points(monkeypatch, ("toys", "toys:DOMAIN"))
    assert "toys" in domain_table()
    assert load_domain("toys") is DOMAIN


def test_a_name_that_is_declared_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _points(monkeypatch, ("toys", "toys:DOMAIN"), ("toys", "toys:DOMAIN"))
    with pytest.raises(UsageError, match="the domain 'toys' is declared twice; uninstall one of the packages"):
        domain_table()


def test_an_unknown_domain_lists_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    _points(monkeypatch, ("toys", "toys:DOMAIN"))
    with pytest.raises(UsageError, match=r"unknown domain 'toy'; did you mean 'toys'\? Known: .*toys"):
        load_domain("toy")


def test_something_else_than_a_domain_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _points(monkeypatch, ("odd", "toys.models.mlp:Mlp"))
    with pytest.raises(UsageError, match=r"'toys\.models\.mlp:Mlp' is not a domain declaration"):
        load_domain("odd")


def test_parts() -> None:
    assert load_part(DOMAIN, "models", "mlp") is Mlp
    with pytest.raises(UsageError, match=r"unknown model 'mpl' in domain 'toys'; did you mean 'mlp'\?"):
        load_part(DOMAIN, "models", "mpl")
    with pytest.raises(UsageError, match="unknown reader 'x' in domain 'toys'"):
        load_part(DOMAIN, "readers", "x")


def test_a_missing_package_names_its_installation() -> None:
    with pytest.raises(
        MissingExtraError, match=r"'absent_package' is not installed; .*pip install 'auscult\[imaging\]'"
    ):
        resolve("absent_package.module:Thing", extra="imaging")
    with pytest.raises(MissingExtraError, match="pip install 'absent_package'"):
        resolve("absent_package:Thing")


def test_a_wrong_address_is_no_missing_package() -> None:
    with pytest.raises(UsageError, match=r"names a module that does not exist: auscult\.absent"):
        resolve("auscult.absent:Thing", extra="signals")
    with pytest.raises(UsageError, match="module 'toys' has no 'Absent'"):
        resolve("toys:Absent")

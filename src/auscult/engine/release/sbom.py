"""Bill of materials in CycloneDX 1.6: Auscult and every installed package that a release needs to answer."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?[^;]*(?:;(.*))?$")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)['\"]")


def runtime_packages(extra: str) -> dict[str, str]:
    """Name and version of every installed package that Auscult with one extra brings, itself included."""
    found: dict[str, str] = {}
    queue = [("auscult", frozenset((extra,)))]
    while queue:
        name, extras = queue.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        found[key] = package.version
        for text in package.requires or ():
            match = _REQUIREMENT.match(text)
            if match is None:
                continue
            wanted = _EXTRA.findall(match[3] or "")
            if not wanted or extras.intersection(wanted):
                queue.append((match[1], frozenset(filter(None, (match[2] or "").split(",")))))
    return dict(sorted(found.items()))


def write_sbom(name: str, version: str, extra: str) -> bytes:
    """Return the bill of materials of a release as JSON.

    Parameters
    ----------
    name, version : str
        Of the release.
    extra : str
        The domain, whose readers the release needs.
    """
    bom = Bom()
    root = Component(name=name, version=version, type=ComponentType.MACHINE_LEARNING_MODEL)
    bom.metadata.component = root
    for package, number in runtime_packages(extra).items():
        purl = PackageURL("pypi", name=package, version=number)
        bom.components.add(Component(name=package, version=number, type=ComponentType.LIBRARY, purl=purl))
    bom.register_dependency(root, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2).encode()

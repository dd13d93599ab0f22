"""``auscult serve`` for ``speed_serve.py``: ``python serve_ours.py RELEASE PORT SETTING``; the setting is JSON.

Also the few functions that both servers and the loop without HTTP share.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from auscult.base.contracts import RecordBatch, SetAside
from auscult.base.registry import load_domain
from auscult.engine.runtime import Release, Staged, open_release
from auscult.engine.sources import find_sources, read_source
from auscult.service.decoded import Form, forms_of
from auscult.service.schema import answer_body


def golden_batches(release: Release) -> list[RecordBatch]:
    """Return the golden inputs, which tell how the release has its fields."""
    found = find_sources(release.folder / "golden" / "inputs", release.domain).sources
    return [b for s in found for b in read_source(s, release.domain) if not isinstance(b, SetAside)]


def open_with_forms(folder: Path) -> tuple[Release, dict[str, Form]]:
    """Open a release, and the form of its fields."""
    release = open_release(folder, load_domain)
    return release, forms_of(golden_batches(release))


def answer_together(release: Release, staged: list[Staged]) -> list[bytes]:
    """Answer staged records with one run, each as the body of a response."""
    return [answer_body(release, records) for records in release.answer(staged)]


def main() -> None:
    """Serve as the command line says."""
    from auscult.service.http import serve
    from auscult.service.settings import ServeSettings

    folder, port, text = sys.argv[1:]
    release = open_release(Path(folder), load_domain)
    serve({release.manifest["name"]: release}, port=int(port), settings=ServeSettings(**json.loads(text)))


if __name__ == "__main__":
    main()

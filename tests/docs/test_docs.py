"""Every block of the documentation runs, every page that is made from the code is current, every name exists."""

from __future__ import annotations

import contextlib
import doctest
import importlib.util
import io
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import auscult
from auscult.base import contracts
from auscult.base.files import files_under
from auscult.base.registry import domain_table, load_domain

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*DOCS.rglob("*.md"), *(ROOT / f"{n}.md" for n in ("README", "ARCHITECTURE", "CONTRIBUTING", "CHANGELOG"))]
)
TINY = ("train.epochs=1", "evaluate.resamples=100", "evaluate.faults=false")
"""What makes a build of the documentation small; everything else is as the page says."""
NOT_RUN = 3
"""Blocks that cannot run in a test: two that need a network, one line of a table."""
BLOCK = re.compile(r"(?:<!-- (file|not run): ([^\n]*?) -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
STATUS = re.compile(r"^# exit status (\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    note: str
    value: str


def blocks(page: Path) -> list[Block]:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [Block(language, text, note, value) for note, value, language, text in found]


RUN = [p for p in PAGES if any(b.note != "not run" for b in blocks(p))]


@dataclass
class Reader:
    """Somebody who follows a page to the letter, in a folder of their own."""

    folder: Path
    names: dict[str, Any] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def follow(self, block: Block) -> None:
        if block.note == "file":
            path = self.folder / block.value
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(block.text, "documentation", "exec"), self.names)  # noqa: S102 the point of this test
        elif block.language == "pycon":
            test = doctest.DocTestParser().get_doctest(block.text, self.names, "documentation", None, 0)
            assert doctest.DocTestRunner(optionflags=FLAGS).run(test).failed == 0
        elif block.language == "console":
            for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                self.type(*part.split("\n", 1))
        else:
            raise AssertionError(
                f"a block of {block.language} that nothing runs: say <!-- file: name --> or <!-- not run: why -->"
            )

    def type(self, command: str, expected: str) -> None:
        """Type a command; compare output and exit status with what the page shows."""
        command = re.sub(r"\b(8\d{3})\b", lambda m: self.port(m[1]), command)
        if command.endswith("&"):
            self.running.append(subprocess.Popen(["bash", "-c", f"exec env {command[:-1]}"]))  # noqa: S607
            return
        status = STATUS.search(expected)
        expected = STATUS.sub("", expected).strip()
        plain = command.startswith("auscult ") and not set("|>;&") & set(command)
        code, output = in_process(shlex.split(command)[1:]) if plain else in_shell(command)
        assert code == (int(status[1]) if status else 0), f"$ {command}\n{output}"
        assert shown(expected, output), f"$ {command}\nexpected:\n{expected}\ngot:\n{output}"

    def port(self, stated: str) -> str:
        """Give a free port for one that a page names."""
        if stated not in self.ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.ports[stated] = str(probe.getsockname()[1])
        return self.ports[stated]

    def leave(self) -> None:
        for process in self.running:
            process.send_signal(signal.SIGTERM)
        for process in self.running:
            assert process.wait(30) == 0


def shown(expected: str, output: str) -> bool:
    """Whether an output is what a page shows; ``...`` is anything, and spaces and line ends count as one space."""
    parts = [re.escape(part.strip()) for part in " ".join(expected.split()).split("...")]
    return not expected or re.fullmatch(r"\s?.*?\s?".join(parts), " ".join(output.split())) is not None


def in_process(arguments: list[str]) -> tuple[int, str]:
    """Run the command line as its entry point does."""
    from auscult.cli import main

    tiny = [word for change in TINY for word in ("--set", change)] if arguments[0] == "build" else []
    output = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        patch.setattr(sys, "argv", ["auscult", *arguments, *tiny])
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), output.getvalue()
    return 0, output.getvalue()


def in_shell(command: str) -> tuple[int, str]:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)  # noqa: S607
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="session")
def runs(once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """Two small runs that pages begin with."""

    def make(folder: Path) -> None:
        for name, recipe in (("first", "ecg-beats-simulated"), ("glucose", "glucose-simulated")):
            auscult.build(ROOT / "recipes" / "signals" / f"{recipe}.toml", folder / name, overrides=TINY)

    return once("docs-runs", make)


@pytest.fixture
def reader(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    shutil.copytree(runs, tmp_path / "runs", ignore=shutil.ignore_patterns("checkpoints"))
    for name in ("recipes", "examples", "README.md"):
        (tmp_path / name).symlink_to(ROOT / name)
    write_unseen(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    reading = Reader(tmp_path)
    monkeypatch.setenv("PORT", reading.port("8000"))
    yield reading
    reading.leave()


def write_unseen(folder: Path) -> None:
    """A raw file for the pages that ask about one."""
    import numpy as np

    from auscult.domains.signals.simulate.ecg import simulate_ecg
    from auscult.domains.signals.simulate.exports import write_edf

    ecg = simulate_ecg(np.random.default_rng(4), duration_s=30, rate_hz=250, leads=("II", "V1"))
    write_edf(folder / "sim001.edf", ecg)


@pytest.mark.parametrize("page", RUN, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_block_runs_as_the_page_says(page: Path, reader: Reader) -> None:
    for block in blocks(page):
        if block.note != "not run":
            reader.follow(block)


def test_blocks_that_do_not_run_are_few_and_say_why() -> None:
    left = [b for p in PAGES for b in blocks(p) if b.note == "not run"]
    assert len(left) == NOT_RUN
    assert all(b.value for b in left)


def test_pages_made_from_the_code_are_current() -> None:
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, text in module.pages().items():
        assert (DOCS / "reference" / name).read_text(encoding="utf-8") == text, f"run docs/make_reference.py: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if "://" in path or path.endswith("RESULTS.md"):
            continue
        there = (page.parent / path) if path else page
        assert there.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(there), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


def test_the_page_of_the_release_folder_lists_every_file(runs: Path) -> None:
    text = (DOCS / "reference" / "release-folder.md").read_text(encoding="utf-8")
    stated = re.findall(r"^\| `([^`]+)` \| .* \| (?:yes|no|is what states it) \|$", text, re.MULTILINE)
    for run in ("first", "glucose"):
        for path in files_under(runs / run / "release"):
            name = path.relative_to(runs / run / "release")
            assert any(name.match(s) or name.as_posix().startswith(s) for s in stated), name


def test_the_page_of_contracts_names_every_contract() -> None:
    text = (DOCS / "reference" / "contracts.md").read_text(encoding="utf-8")
    own = [n for n, v in vars(contracts).items() if isinstance(v, type) and v.__module__ == contracts.__name__]
    assert [n for n in own if f"`{n}`" not in text] == []


def test_terms_name_what_exists_and_every_task_and_model() -> None:
    text = (DOCS / "terms.md").read_text(encoding="utf-8")
    rows = [[c.strip() for c in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")][1:]
    recipes = {p.stem for p in (ROOT / "recipes").rglob("*.toml")}
    for _, chinese, _, recipe, file in rows:
        assert chinese
        assert (ROOT / file.strip("`")).is_file(), file
        assert set(re.findall(r"`([a-z0-9-]+)`", recipe)) <= recipes, recipe
    named = set(re.findall(r"`([^`]+)`", " ".join(row[2] for row in rows)))
    for domain in map(load_domain, domain_table()):
        assert {*domain.tasks, *domain.models, *domain.readers, *domain.examples} <= named

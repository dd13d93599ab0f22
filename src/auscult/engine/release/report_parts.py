"""What a report is made of: sections with texts, tables and pictures, as plain data for any layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from auscult.base.contracts import TaskSpec
from auscult.engine.release.evidence import Evidence
from auscult.engine.release.figures_base import Figure


@dataclass(frozen=True)
class Text:
    """One paragraph."""

    text: str
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Listing:
    """Some sentences, one a line."""

    lines: tuple[str, ...]
    kind: ClassVar[str] = "listing"


@dataclass(frozen=True)
class Table:
    """Rows under a header.

    Parameters
    ----------
    header : tuple of str
        One word a column.
    rows : tuple of tuple of str
        Finished texts.
    numbers : frozenset of int
        Columns that are set flush right.
    failed : frozenset of int
        Rows that a reader must not miss.
    codes : frozenset of int
        Columns of names and hashes.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    failed: frozenset[int] = frozenset()
    codes: frozenset[int] = frozenset()
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Picture:
    """A drawn figure."""

    figure: Figure
    kind: ClassVar[str] = "picture"


Block = Text | Listing | Table | Picture


@dataclass(frozen=True)
class Section:
    """One heading with what stands below it.

    Parameters
    ----------
    anchor : str
        Its address in the page.
    title : str
        The heading.
    blocks : tuple of Block
        Content, in order.
    boxed : bool
        Whether it stands in a frame.
    """

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    boxed: bool = False


@dataclass(frozen=True, repr=False)
class Source:
    """Everything that a section is written from.

    Parameters
    ----------
    evidence : Evidence
        What was measured.
    manifest : mapping
        The release's manifest, as far as it is known while the report is written.
    calibration : mapping
        What was fitted on validation; empty where it is not at hand.
    """

    evidence: Evidence
    manifest: Mapping[str, Any]
    calibration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The content of ``metrics.json``."""
        return self.evidence.metrics

    @property
    def spec(self) -> TaskSpec:
        """The task."""
        return self.evidence.spec

    @property
    def level(self) -> str:
        """Level of the intervals, such as ``95 %``."""
        return f"{100 * self.evidence.recipe.evaluate.level:g} %"

    @property
    def units(self) -> str:
        """What intervals are drawn over: subjects or records."""
        return f"{self.metrics.get('resampled_by', 'record')}s"


def pairs(rows: Mapping[str, str], *, codes: bool = False) -> Table:
    """Make a table of names and values without a header."""
    return Table(("", ""), tuple(rows.items()), codes=frozenset((1,)) if codes else frozenset())

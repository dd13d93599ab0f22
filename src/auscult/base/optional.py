"""What a task, or a reader, may have beside the methods of every one; the engine asks with ``isinstance``.

All of them are imported from ``base.contracts``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array
from auscult.base.records import Index, Items, ItemSet, Outputs, RecordBatch, WriteContext

if TYPE_CHECKING:
    from auscult.base.contracts import Finding, FitContext, Probe, Run, TaskSpec


@runtime_checkable
class CutsNew(Protocol):
    """A task that cuts a new record otherwise than one to learn from.

    A forecast learns from every stretch of a record but answers at its end; beats are learned where a person marked
    them but answered where the detector finds them, also where marks lie beside the record.
    """

    def cut_new(self, batch: RecordBatch) -> Items:
        """Cut prepared records into the items that a new record is answered by; annotations are not looked at."""


@runtime_checkable
class Names(Protocol):
    """A task whose settings name columns and classes of the files, in a person's spelling."""

    def misnamed(self, items: Items, groups: Collection[str], raw: Iterable[RecordBatch]) -> list[str]:
        """Say which names that learning needs no record has, each with the nearest that one has.

        Parameters
        ----------
        items : Items
            What is to be learned from.
        groups : collection of str
            Group keys that every record has.
        raw : iterable of RecordBatch
            The records as they were read; looked at only where items or groups lack something.
        """


@runtime_checkable
class Sifts(Protocol):
    """A task that prepares a batch and says in the same pass which of its records cannot be used.

    One compound of a library in a hundred has no valid structure; preparing the batch again without it would cost the
    other ninety-nine a second time.
    """

    def sift(self, batch: RecordBatch) -> tuple[RecordBatch | None, Mapping[int, str]]:
        """Return the prepared records, in order, and the reason of each row that is not among them."""


@runtime_checkable
class Sketches(Protocol):
    """A task whose records are near-duplicates by what they share, not by how alike their numbers are.

    Two copies of a text with another sentence before it have no number in the same place; the runs of words that they
    share tell.
    """

    def sketch(self, batch: RecordBatch) -> npt.NDArray[np.uint32]:
        """Return the MinHash signature of each prepared record, (N, 60); see ``engine.quality.minhash``."""


@runtime_checkable
class Matches(Protocol):
    """A task that finds near-duplicates itself: two photographs of one thing may be equal at no pixel."""

    def match(self, batches: Iterable[RecordBatch]) -> Index:
        """Return pairs of prepared records that show nearly the same, (P, 2): their numbers, the smaller first."""


@runtime_checkable
class Asks(Protocol):
    """A task whose question is not an item to learn from but is put together from what is known of a record.

    A ranking learns from interactions; its question is a user with what the user took before, and that depends on the
    split: in validation it is what training knows, in the test also what validation knows, in serving all there is.
    """

    def ask(self, batch: RecordBatch, known: Items, asked: Items | None) -> Items:
        """Put the questions of prepared records together.

        Parameters
        ----------
        batch : RecordBatch
            The records.
        known : Items
            Items of these records that may be seen; of a record without any, nothing but itself is known.
        asked : Items, optional
            Items of these records that are to be foretold; absent in serving.

        Returns
        -------
        Items
            What the program is run on, in the order of the records, with the truth as target where it was asked for.
        """


@runtime_checkable
class Explains(Protocol):
    """A task that can say what carried an answer."""

    def explain(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[dict[str, Any]]:
        """Return for each record of the batch what carried its answers, as JSON values."""


@runtime_checkable
class Likens(Protocol):
    """A task that can say how alike two records are, and which are one thing written in two ways.

    With it a release knows its nearest training records and abstains far from all of them, and the best of a library
    are listed once each and may be kept apart from each other.
    """

    def bits(self, items: Items) -> Array:
        """Return (N, F) uint8 of 0 and 1; likeness is what two rows share of what either has (Tanimoto)."""

    def identity(self, batch: RecordBatch) -> npt.NDArray[np.str_]:
        """Return for each prepared record a text that is the same for the same thing."""


@runtime_checkable
class Recognises(Protocol):
    """A task that knows by which signs its items are told from things of another kind.

    Summaries of an array tell a dead signal from a live one; they do not tell a photograph from an X-ray.
    """

    def signs(self, items: Items) -> Array:
        """Return the numbers that the input gate compares with those of the training items, (N, F)."""


@runtime_checkable
class Draws(Protocol):
    """A task with pictures of its own in the report, such as what carried an answer.

    They are drawn of golden records, which are simulated: no picture of a person enters a release.
    """

    def draw(self, batch: RecordBatch, outputs: Outputs, run: Run) -> list[Any]:
        """Return figures (``engine.release.figures_base.Figure``) of a few prepared records and their answers."""


@runtime_checkable
class Generates(Protocol):
    """A task whose release makes new samples."""

    def generate(self, run: Run, out: Path, *, count: int, seed: int) -> list[Path]:
        """Write samples, each marked as synthetic in its own metadata, and return their files."""


@runtime_checkable
class Writes(Protocol):
    """A task whose answers, or what carried them, are files too: a mask in the geometry of its image, a picture."""

    def write(
        self, batch: RecordBatch, outputs: Outputs, out: Path, *, context: WriteContext
    ) -> list[tuple[Path, ...]]:
        """Write what belongs to the records of a prepared batch into a folder; return the files record by record."""


@runtime_checkable
class Further(Protocol):
    """A task that is judged in a second way too, such as end to end from the raw signal."""

    def further(
        self, batch: RecordBatch, predict: Callable[[RecordBatch], Outputs]
    ) -> Mapping[str, tuple[TaskSpec, Outputs]]:
        """Return by name what else is judged; the name becomes the suffix of the metrics."""


@runtime_checkable
class Summarises(Protocol):
    """A task with figures of its own that no answer kind has, such as alarms a day."""

    def summary(self, outputs: Outputs) -> Mapping[str, float]:
        """Return plain figures over calibrated test answers and their truth."""


@runtime_checkable
class Probes(Protocol):
    """A task whose model is judged by what it learned from too: what a generator copies, what its samples are worth."""

    def probe(self, roles: Mapping[str, ItemSet], run: Run, context: FitContext) -> list[Probe]:
        """Judge a program with the items of the roles ``train``, ``valid`` and ``test`` at hand, once, in the test."""


@runtime_checkable
class Audits(Protocol):
    """A task that looks at a split as a whole: what training knows of the test's future, what the test alone has."""

    def audit(self, roles: Mapping[str, ItemSet]) -> Sequence[Finding]:
        """Return findings about the items of the roles ``train``, ``valid`` and ``test``, before anything is learned.

        Where a split is refitted, the items of ``valid`` are in ``train``.
        """


@runtime_checkable
class Divides(Protocol):
    """A task whose test divides into groups that the training items tell: popular and rare things, known and new users.

    A group key belongs to a record and is known when it is prepared; these depend on the split.
    """

    def divide(self, outputs: Outputs, roles: Mapping[str, ItemSet]) -> Mapping[str, Mapping[str, Outputs]]:
        """Return by name and value the test answers of each group; of a list, a part of what is relevant may stay."""


@runtime_checkable
class Wants(Protocol):
    """A reader that tells its files by names inside them, and says which; a file without them looks like any other."""

    wants: ClassVar[str]

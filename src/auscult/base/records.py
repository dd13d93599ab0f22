"""What records are: fields, batches of them, their sources, the items cut from them and the answers about them.

The other contracts are in ``base.contracts``, from which all of them are imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from auscult.base.arrays import Array, Column, Ragged, join, take
from auscult.base.errors import ShapeError, UsageError, unknown
from auscult.base.files import writable

Index = npt.NDArray[np.int64]
FieldKind = Literal["array", "scalar", "category", "text", "ids"]


@dataclass(frozen=True)
class Field:
    """What one column holds.

    Parameters
    ----------
    name : str
        Name of the column.
    kind : str
        ``array``, ``scalar``, ``category``, ``text`` or ``ids``.
    axes : str
        Letters of the axes of one record: ``"TC"`` is time by channel.
    unit : str
        Home unit of the values (see ``base.units``); empty where none applies.
    rate_hz : float, optional
        Samples per second along ``T``.
    spacing_mm : tuple of float, optional
        Distance of neighbours along ``D H W`` in mm.
    channels : tuple of str
        Names along ``C``: the leads of an ECG, in order.
    ragged : bool
        Whether records differ in length.
    missing : bool
        Whether NaN (or an empty text) is allowed.
    """

    name: str
    kind: FieldKind
    axes: str = ""
    unit: str = ""
    rate_hz: float | None = None
    spacing_mm: tuple[float, ...] | None = None
    channels: tuple[str, ...] = ()
    ragged: bool = False
    missing: bool = False


@dataclass(frozen=True, repr=False)
class RecordBatch:
    """Some records as columns; every record of a batch has the same fields.

    Parameters
    ----------
    fields : tuple of Field
        What each column holds.
    columns : mapping of str to array or Ragged
        Values by field name; the first axis is the record, ``N``.
    record : (N,) array of str
        Name of the record inside its source folder. Stays on the machine; evidence holds its hash.
    subject : (N,) array of str, optional
        Whose record it is. A reader gives the identifier, the engine replaces it by a keyed pseudonym before
        anything is written. Absent where the source names no subject.
    groups : mapping of str to (N,) array of str
        Keys for splits and subgroups: device model, firmware, site, sex, age band.
    named_by_subject : bool
        Whether the name of a record holds the identifier of its subject, as where a record is a person. In a dataset
        such records have numbers in place of names; an answer names them as its file does.
    number : (N,) int64, optional
        These numbers, from 1, where they are not the order of the records. Draws go by them.
    """

    fields: tuple[Field, ...]
    columns: Mapping[str, Column]
    record: npt.NDArray[np.str_]
    subject: npt.NDArray[np.str_] | None = None
    groups: Mapping[str, npt.NDArray[np.str_]] = field(default_factory=dict)
    named_by_subject: bool = False
    number: Index | None = None

    def __post_init__(self) -> None:
        names = [f.name for f in self.fields]
        if sorted(names) != sorted(self.columns):
            raise ShapeError(f"record batch: expected columns {sorted(names)}, got {sorted(self.columns)}")
        for name, column in self.columns.items():
            if len(column) != len(self.record):
                raise ShapeError(f"column '{name}': expected {len(self.record)} records, got {len(column)}")

    def __len__(self) -> int:
        return len(self.record)

    def __repr__(self) -> str:
        return f"RecordBatch({len(self)} records, fields {[f.name for f in self.fields]})"

    def field(self, name: str) -> Field:
        """Return a field by its name.

        Raises
        ------
        ShapeError
            If there is none; lists the known.
        """
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise ShapeError(unknown("field", name, self.columns))

    def dense(self, name: str) -> Array:
        """Return a column that has the same shape for every record.

        Raises
        ------
        ShapeError
            If the column is ragged or absent.
        """
        column = self.columns[self.field(name).name]
        if isinstance(column, Ragged):
            raise ShapeError(f"column '{name}': expected one shape for every record, got a ragged column")
        return column

    def ragged(self, name: str) -> Ragged:
        """Return a column whose records differ in length.

        Raises
        ------
        ShapeError
            If the column is dense or absent.
        """
        column = self.columns[self.field(name).name]
        if not isinstance(column, Ragged):
            raise ShapeError(f"column '{name}': expected a ragged column, got shape {column.shape}")
        return column

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self.columns

    def take(self, rows: Index) -> RecordBatch:
        """Return the named records as a new batch."""
        return replace(
            self,
            columns={k: take(v, rows) for k, v in self.columns.items()},
            record=self.record[rows],
            subject=None if self.subject is None else self.subject[rows],
            groups={k: v[rows] for k, v in self.groups.items()},
            number=None if self.number is None else self.number[rows],
        )

    def with_columns(self, columns: Mapping[Field, Column], *, drop: Iterable[str] = ()) -> RecordBatch:
        """Return the batch with columns added or replaced, and others dropped."""
        gone = {f.name for f in columns} | set(drop)
        fields = tuple(f for f in self.fields if f.name not in gone) + tuple(columns)
        kept = {k: v for k, v in self.columns.items() if k not in gone}
        return replace(self, fields=fields, columns={**kept, **{f.name: v for f, v in columns.items()}})

    @staticmethod
    def concat(batches: Sequence[RecordBatch]) -> RecordBatch:
        """Put batches of the same fields one after the other.

        Raises
        ------
        ShapeError
            If the fields differ: two rates or two sets of leads do not mix.
        """
        first = batches[0]
        for other in batches[1:]:
            if other.fields != first.fields:
                mixed = [a.name for a, b in zip(first.fields, other.fields, strict=False) if a != b]
                raise ShapeError(
                    f"records with different fields cannot be joined: {', '.join(mixed) or 'columns differ'}"
                )
        subjects = [b.subject for b in batches if b.subject is not None]
        keys = set(first.groups).intersection(*(b.groups for b in batches))
        return RecordBatch(
            first.fields,
            {name: join([b.columns[name] for b in batches]) for name in first.columns},
            np.concatenate([b.record for b in batches]),
            np.concatenate(subjects) if len(subjects) == len(batches) else None,
            {k: np.concatenate([b.groups[k] for b in batches]) for k in sorted(keys)},
            first.named_by_subject,
        )


@dataclass(frozen=True)
class SetAside:
    """A file or record that could not be used, and why.

    Parameters
    ----------
    source : str
        Name of the source or record.
    reason : str
        Why, or what was left out.
    row : int, optional
        Where in the file.
    note : bool
        Whether it is only a part that was left out, of records that are used.
    """

    source: str
    reason: str
    row: int | None = None
    note: bool = False

    @property
    def nameless(self) -> str:
        """The reason without the file's name, which may name a person; for evidence that leaves the machine."""
        head, found, rest = self.reason.partition(": ")
        return rest if found and self.source.rpartition("/")[2] in head else self.reason


@dataclass(frozen=True)
class Source:
    """One or more files that make records together."""

    reader: str
    name: str
    files: tuple[Path, ...]


class Reader(Protocol):
    """Finds and reads one format."""

    def detect(self, files: Sequence[Path]) -> Iterator[Source]:
        """Yield the sources of this format among files, told by their content."""

    def read(self, source: Source) -> Iterator[RecordBatch | SetAside]:
        """Yield the records of a source. Raises ReadError where the whole source cannot be read."""


@dataclass(frozen=True, repr=False)
class Items:
    """What a model sees: the pieces that records were cut into.

    Parameters
    ----------
    inputs : mapping of str to (N, ...) array
        Model inputs by name.
    record : (N,) int64
        Which record of the batch each item comes from.
    position : (N,) int64
        Where in the record: a sample, a row, a token.
    target : (N, ...) array, optional
        What should come out; absent at serving time.
    """

    inputs: Mapping[str, Array]
    record: Index
    position: Index
    target: Array | None = None

    def __len__(self) -> int:
        return len(self.record)


@dataclass(frozen=True, repr=False)
class ItemSet:
    """The items that one role may see: shared arrays (often memory-mapped) and the rows chosen from them."""

    items: Items
    rows: Index

    def __len__(self) -> int:
        return len(self.rows)

    def inputs(self, rows: Index | None = None) -> dict[str, Array]:
        """Return the inputs of all chosen items, or of ``rows`` counted within this set."""
        chosen = self.rows if rows is None else self.rows[rows]
        return {name: np.asarray(values[chosen]) for name, values in self.items.inputs.items()}

    def target(self, rows: Index | None = None) -> Array:
        """Return the targets of all chosen items, or of ``rows`` counted within this set.

        Raises
        ------
        ShapeError
            If the items carry no target.
        """
        if self.items.target is None:
            raise ShapeError("items: expected a target for training, got none; does the dataset hold annotations?")
        return np.asarray(self.items.target[self.rows if rows is None else self.rows[rows]])


@dataclass(frozen=True, repr=False)
class Outputs:
    """Answers as arrays, one row an answer, with what they are judged against where that is known.

    Parameters
    ----------
    arrays : mapping of str to (M, ...) array or Ragged
        What the kind of answer names: ``probability`` (M, K), ``value`` (M, H), ``position`` ragged, …
    record : (M,) int64
        Which record each answer belongs to.
    position : (M,) int64, optional
        Where in the record, for kinds that answer more than once a record.
    target : mapping of str to (M, ...) array or Ragged, optional
        The truth, in the same form.
    """

    arrays: Mapping[str, Column]
    record: Index
    position: Index | None = None
    target: Mapping[str, Column] | None = None

    def __len__(self) -> int:
        return len(self.record)

    def array(self, name: str) -> Array:
        """Return a dense array of the answers."""
        column = self.arrays[name]
        if isinstance(column, Ragged):
            raise ShapeError(f"output '{name}': expected a dense array, got a ragged one")
        return column

    def ragged(self, name: str) -> Ragged:
        """Return a ragged array of the answers."""
        column = self.arrays[name]
        if not isinstance(column, Ragged):
            raise ShapeError(f"output '{name}': expected a ragged array, got shape {column.shape}")
        return column

    def truth(self, name: str) -> Column:
        """Return the truth.

        Raises
        ------
        ShapeError
            If these answers have none.
        """
        if self.target is None or name not in self.target:
            raise ShapeError(f"answers: expected a truth '{name}' to judge against, got none")
        return self.target[name]

    def ragged_truth(self, name: str) -> Ragged:
        """Return a truth whose rows differ in length.

        Raises
        ------
        ShapeError
            If there is no such truth, or it is dense.
        """
        column = self.truth(name)
        if not isinstance(column, Ragged):
            raise ShapeError(f"truth '{name}': expected a ragged array, got shape {column.shape}")
        return column

    def take(self, rows: Index) -> Outputs:
        """Return some of the answers."""
        return Outputs(
            {k: take(v, rows) for k, v in self.arrays.items()},
            self.record[rows],
            None if self.position is None else self.position[rows],
            None if self.target is None else {k: take(v, rows) for k, v in self.target.items()},
        )


@dataclass(frozen=True, repr=False)
class WriteContext:
    """What a task is told besides the answers that it writes as files.

    Parameters
    ----------
    source : Source
        The files that the records came from.
    explained : tuple of mapping
        What carried the answers, record by record; empty where it was not asked for.
    about : mapping
        Name, version, content hash and intent of the release that answers.
    """

    source: Source
    explained: tuple[Mapping[str, Any], ...]
    about: Mapping[str, Any]

    def fresh(self, out: Path, name: str) -> Path:
        """Return the path of a file that is not there yet, below the folder of its source; makes the folder.

        Raises
        ------
        UsageError
            If the file is there already.
        """
        path = out / self.source.name.rpartition("/")[0] / name.rpartition("/")[2]
        if path.exists():
            raise UsageError(f"--out: {path.name}: expected no such file yet, got one; name another folder")
        with writable(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        return path

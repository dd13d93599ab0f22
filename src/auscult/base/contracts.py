"""The ten words that every domain fills in and that the engine knows.

Field · record batch · source · dataset · split · cut and join · answer kind · task · model · release.
The dataset, the split and the release are made by the engine; what a domain hands over is declared here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from auscult.base.arrays import Array
from auscult.base.log import Report
from auscult.base.optional import (
    Asks,
    Audits,
    CutsNew,
    Divides,
    Draws,
    Explains,
    Further,
    Generates,
    Likens,
    Matches,
    Names,
    Probes,
    Recognises,
    Sifts,
    Sketches,
    Summarises,
    Wants,
    Writes,
)
from auscult.base.records import (
    Field,
    FieldKind,
    Index,
    Items,
    ItemSet,
    Outputs,
    Reader,
    RecordBatch,
    SetAside,
    Source,
    WriteContext,
)

__all__ = [
    "Asks",
    "Audits",
    "Check",
    "Config",
    "CutsNew",
    "Divides",
    "Domain",
    "Draws",
    "Explains",
    "Field",
    "FieldKind",
    "Finding",
    "FitContext",
    "Fitted",
    "Further",
    "Generates",
    "Index",
    "ItemSet",
    "Items",
    "KindName",
    "Likens",
    "LocalFile",
    "LocalFileMark",
    "Matches",
    "Model",
    "Names",
    "Network",
    "NetworkMark",
    "Outputs",
    "Probe",
    "Probes",
    "Program",
    "PublicSet",
    "Reader",
    "Recognises",
    "RecordBatch",
    "Run",
    "SetAside",
    "Severity",
    "Sifts",
    "Sketches",
    "Source",
    "Summarises",
    "Task",
    "TaskSpec",
    "Wants",
    "WriteContext",
    "Writes",
]

KindName = Literal["class", "labels", "value", "events", "spans", "mask", "boxes", "ranking", "sample"]
Severity = Literal["info", "warning", "error"]


class Config(BaseModel):
    """Settings of one part: frozen, and an unknown key is an error. A field's description is its help text."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class LocalFileMark:
    """Tells the engine that a text setting of a task names a file."""


LocalFile = Annotated[str, LocalFileMark()]
"""A setting of a task that names a file which it needs: hashed into what depends on it, and copied into the release,
so that the task is given a path that exists. Empty where none is needed."""


class NetworkMark:
    """Tells the engine that a text setting of a model names a network to start from."""


Network = Annotated[str, NetworkMark()]
"""A setting of a model that names a network to start from: a local folder, or a run or release whose program brings its
network. Its content decides what is learned, and test records that it has seen are found. Empty starts from nothing."""


@dataclass(frozen=True)
class TaskSpec:
    """What is predicted from what, and how it is judged.

    Parameters
    ----------
    name : str
        Name in the domain's table.
    kind : str
        The answer kind.
    summary : str
        One sentence for people.
    labels : tuple of str
        Classes, labels or value columns, in order.
    unit : str
        Unit of values, or of positions.
    primary : str
        The metric that decides between models.
    metrics : tuple of str
        Every metric that is reported.
    floor : str
        Name of the simple model that every model is compared with.
    example : str
        Name of the domain's simulated example that this task can answer; golden inputs come from it.
    resample : str
        The unit of the bootstrap: ``subject`` or ``record``.
    position_rate_hz : float, optional
        Positions per second, where positions are samples in time.
    parameters : mapping
        What the kind needs to know besides: ``tolerance_s`` for events, ``k`` for rankings, …
    faults : tuple of str
        Which of the domain's faults its records can have.
    tags : tuple of str
        Words people search for.
    """

    name: str
    kind: KindName
    summary: str
    labels: tuple[str, ...]
    primary: str
    metrics: tuple[str, ...]
    floor: str
    example: str
    unit: str = ""
    resample: Literal["subject", "record"] = "subject"
    position_rate_hz: float | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@runtime_checkable
class Task(Protocol):
    """Turns records into items and the items' outputs into answers; numpy, the same in training and serving."""

    Config: ClassVar[type[Config]]
    spec: TaskSpec

    def prepare(self, batch: RecordBatch) -> RecordBatch:
        """Bring records to the fields that ``cut`` needs. Raises InputError for what cannot be used."""

    def cut(self, batch: RecordBatch) -> Items:
        """Cut prepared records into items, with targets where the records are annotated."""

    def join(self, batch: RecordBatch, items: Items, arrays: Mapping[str, Array]) -> Outputs:
        """Make answers of what the program gave for the items."""


class Run(Protocol):
    """A program that has been loaded."""

    def __call__(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs for N items."""


@dataclass(frozen=True, repr=False)
class Program:
    """A learned function without the library that learned it.

    Parameters
    ----------
    driver : str
        One of the closed list in ``engine.drivers``.
    inputs : tuple of str
        Names of the item inputs that it uses.
    graphs : mapping of str to bytes
        ONNX models.
    arrays : mapping of str to array
        Kept as safetensors.
    settings : mapping
        JSON values for the driver.
    network : mapping of str to bytes
        Files of the network for whoever trains it further, such as ``config.json`` and ``model.safetensors``; serving
        does not read them.
    """

    driver: str
    inputs: tuple[str, ...]
    graphs: Mapping[str, bytes] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class FitContext:
    """What a model is given besides the items.

    Parameters
    ----------
    spec : TaskSpec
        What is learned.
    seed : int
        The only source of randomness.
    settings : Config
        The ``[train]`` table of the recipe.
    folder : Path
        Where checkpoints go.
    report : Report
        Where progress goes.
    """

    spec: TaskSpec
    seed: int
    settings: Any
    folder: Path
    report: Report


@dataclass(frozen=True, repr=False)
class Probe:
    """Answers that are judged beside those of the test, such as what a model that was trained on samples is worth.

    Parameters
    ----------
    spec : TaskSpec
        Kind and metrics that judge them; without metrics they are drawn in the report only.
    outputs : Outputs
        Answers with their truth; ``record`` counts over the dataset.
    suffix : str
        Put behind the names of the metrics, where another probe has the same.
    """

    spec: TaskSpec
    outputs: Outputs
    suffix: str = ""


class Fitted(Protocol):
    """A model after training."""

    def export(self) -> Program:
        """Return the learned function without torch."""


class Model(Protocol):
    """Learns a function from items. ``Config`` holds its settings.

    ``kinds`` are the answer kinds that it can learn and ``inputs`` the item inputs that it needs: a model suits a task
    of one of the kinds whose items have the inputs.
    """

    Config: ClassVar[type[Config]]
    kinds: ClassVar[tuple[KindName, ...]]
    inputs: ClassVar[tuple[str, ...]]

    def fit(self, train: ItemSet, valid: ItemSet, context: FitContext) -> Fitted:
        """Learn from ``train``; look at ``valid`` to stop, never to fit."""


@dataclass(frozen=True)
class Finding:
    """What a check found: what, how many, which, how bad."""

    check: str
    severity: Severity
    message: str
    count: int
    records: tuple[str, ...] = ()


class Check(Protocol):
    """Looks at every prepared record once."""

    def __call__(self, batches: Iterable[RecordBatch]) -> list[Finding]:
        """Return what was found."""


@dataclass(frozen=True)
class PublicSet:
    """A public dataset: where it is, under which licence, and how to know that it arrived whole.

    Parameters
    ----------
    title, homepage, licence : str
        For people.
    files_at : str
        Address below which the files lie; empty where they cannot be fetched one by one.
    checksums : str
        ``"package:file"`` of a list in the form of ``sha256sum``: what is fetched, and its SHA-256.
    """

    title: str
    homepage: str
    licence: str
    files_at: str = ""
    checksums: str = ""


@dataclass(frozen=True)
class Domain:
    """The declaration of a domain: tables of ``name -> "module:attribute"``, loaded on demand.

    ``examples`` are functions ``(folder, seed, *, small) -> None`` that write simulated device exports; a small one
    has a few short records.
    ``faults`` are functions ``(batch, rng) -> batch`` that damage prepared records as real devices do.
    """

    name: str
    summary: str
    readers: Mapping[str, str]
    tasks: Mapping[str, str]
    models: Mapping[str, str]
    checks: Mapping[str, str]
    examples: Mapping[str, str]
    faults: Mapping[str, str] = field(default_factory=dict)
    datasets: Mapping[str, PublicSet] = field(default_factory=dict)

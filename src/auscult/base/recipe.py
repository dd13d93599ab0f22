"""A recipe: one frozen, hashed TOML file that says everything a build does. Data only."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import tomli_w
from pydantic import Field, ValidationError

from auscult.base.contracts import Config
from auscult.base.errors import RecipeError, unknown
from auscult.base.files import hash_of, write_bytes

C = TypeVar("C", bound=Config)


class DataTable(Config):
    """Where the records come from."""

    path: str = Field("", description="Folder or file with device exports; ${NAME} is taken from the environment.")
    example: str = Field("", description="Name of a simulated example of the domain, used instead of a path.")
    seed: int = Field(0, description="Seed of the simulated example.")
    readers: tuple[str, ...] = Field((), description="Readers to use; all of the domain when empty.")
    include: str = Field("", description="Only files whose relative path matches this pattern, such as '*.csv'.")
    leave_out: tuple[str, ...] = Field((), description="Names of records that are not used, listed in the evidence.")
    groups: Mapping[str, Mapping[str, tuple[str, ...]]] = Field(
        default_factory=dict, description="Further group keys: key to value to record names; others are 'other'."
    )
    same_subject: Mapping[str, str] = Field(
        default_factory=dict, description="Record name to record name: both are of one subject."
    )


class SplitTable(Config):
    """Who is trained on and who is tested on."""

    policy: Literal["subject", "group", "time-within-subject", "per-user-holdout", "scaffold", "given"] = Field(
        "subject", description="The rule of the split."
    )
    key: str = Field(
        "",
        description="Group key for the policies 'group' and 'given' (a column that holds the roles), or for 'given' an "
        "input of the items that holds 0, 1 or 2 for train, valid and test, and -1 for what is in none of them.",
    )
    test: float = Field(0.2, ge=0, lt=1, description="Share of units for testing.")
    valid: float = Field(0.15, gt=0, lt=1, description="Share of the remaining units for validation.")
    cross_fit: int = Field(
        0,
        ge=0,
        description="Folds of the training units whose out-of-fold answers are the validation; the model that ships "
        "is fitted on all of them. 0 takes one held-out share instead.",
    )
    fold_key: str = Field(
        "",
        description="Group key whose values stay whole in cross-fitting, such as 'scaffold' where the test has other "
        "scaffolds than training; the subjects, or the key of the policy, when empty.",
    )
    refit: bool = Field(
        False, description="After the choice on validation, fit what ships on training and validation together."
    )
    hold_out: Literal["random", "last"] = Field(
        "random", description="Which interactions of a user are held out, for per-user-holdout: drawn, or the latest."
    )
    train_records: tuple[str, ...] = Field((), description="Record names, for the policy 'given'.")
    valid_records: tuple[str, ...] = Field((), description="Record names; drawn from training by subject when empty.")
    test_records: tuple[str, ...] = Field((), description="Record names, for the policy 'given'.")
    segment: int = Field(0, ge=0, description="Readings held out at a subject's end, for time-within-subject.")
    history: int = Field(0, ge=0, description="Readings before the first target of a held-out stretch.")
    horizon: int = Field(1, ge=1, description="Readings that one target covers.")
    stride: int = Field(1, ge=1, description="Readings from one judged target to the next, outside training.")
    held_out_subjects: float = Field(
        0.0, ge=0, lt=1, description="Share of subjects kept away whole beside the split in time."
    )
    seed: int = Field(0, description="Seed of the draw.")
    duplicates_whole: bool = Field(
        False,
        description="Keep units that share a near-duplicate on one side, and chains of them: policies 'subject' and "
        "'group'. With 'given' the test stays, and what is nearly the same in training or validation has no role.",
    )
    on_leak: Literal["fail", "report"] = Field(
        "fail", description="What to do when training and test share a subject or a near-duplicate."
    )


class TrainTable(Config):
    """The training loop."""

    epochs: int = Field(20, ge=1, description="Passes over the training items at the most.")
    batch_size: int = Field(128, ge=1, description="Items a step.")
    learning_rate: float = Field(1e-3, gt=0, description="Peak learning rate of AdamW.")
    weight_decay: float = Field(1e-4, ge=0, description="Decoupled weight decay.")
    schedule: Literal["constant", "cosine"] = Field("cosine", description="Learning rate over the epochs.")
    patience: int = Field(5, ge=1, description="Epochs without a better validation loss before stopping.")
    clip_norm: float = Field(1.0, gt=0, description="Largest gradient norm.")
    class_weight: Literal["none", "sqrt", "balanced"] = Field("none", description="Weight of rare classes in the loss.")
    precision: Literal["32-true", "bf16-mixed"] = Field("32-true", description="Numeric precision of the loop.")
    threads: int = Field(2, ge=1, description="Threads of the training libraries; part of what makes a run repeatable.")
    pretrained: str = Field("", description="Local folder with a checkpoint (safetensors) to start from.")


class CalibrateTable(Config):
    """What is fitted on validation data after training."""

    method: Literal["auto", "none", "temperature", "isotonic", "platt"] = Field(
        "auto",
        description="Probability calibration; 'auto' takes what the answer kind names. 'platt' is for labels.",
    )
    coverage: float = Field(0.9, gt=0, lt=1, description="Coverage of conformal sets and intervals.")
    threshold: str = Field(
        "",
        description="Rule that chooses the threshold, such as 'f1' or 'sensitivity_at_least:0.95'; for labels also "
        "'micro_f1', one threshold for all of them.",
    )
    abstain_share: float = Field(0.0, ge=0, lt=1, description="Share of validation answers that may be abstained from.")
    gate_refusal: float = Field(
        0.01, gt=0, lt=0.5, description="Share of validation items that the input gate may refuse."
    )
    neighbours: bool = Field(
        True,
        description="Whether the release holds its training records as bits, where the task has such, to abstain far "
        "from all of them and to name the nearest. Fingerprints of confidential structures can be read back in part.",
    )


class PublishedFigure(Config):
    """A figure that others published on the same protocol."""

    source: str = Field(description="Who measured it, and where it stands.")
    metric: str = Field(description="Name of the metric.")
    value: float = Field(description="The published value.")
    status: Literal["read", "recalled", "measured-here"] = Field(description="How the figure is known.")


class EvaluateTable(Config):
    """How the test split is judged."""

    resamples: int = Field(1000, ge=100, description="Bootstrap resamples.")
    level: float = Field(0.95, gt=0.5, lt=1, description="Confidence level of intervals.")
    subgroups: tuple[str, ...] = Field(
        ("sex", "age_band", "device_model", "firmware", "site"), description="Group keys that are reported apart."
    )
    faults: bool = Field(
        True, description="Repeat the evaluation with realistic device faults, where the domain has some."
    )
    published: tuple[PublishedFigure, ...] = Field((), description="Figures to stand beside the result.")


class GateTable(Config):
    """A limit that a metric must hold."""

    min: float | None = Field(None, description="The metric must be at least this.")
    max: float | None = Field(None, description="The metric must be at most this.")
    on: Literal["low", "value"] = Field(
        "value", description="Judge the value, or the unfavourable end of its interval."
    )


class Intent(Config):
    """What the release is for. Shown in the report and in every served answer."""

    use: str = Field(min_length=3, description="Intended use.")
    not_for: str = Field(min_length=3, description="What it must not be used for.")
    population: str = Field(min_length=3, description="Whom it is meant for.")
    device: str = Field(min_length=3, description="Which devices the records come from.")


class StudyTable(Config):
    """Several runs under one recipe; the evidence then has rows."""

    models: tuple[str, ...] = Field((), description="Further models, each trained and reported.")
    settings: Mapping[str, Mapping[str, Any]] = Field(
        default_factory=dict,
        description="Settings of the further models by name; a model without has its defaults. With the key 'model' "
        "the name is one of your own for that model with these settings, so that a model can stand more than once.",
    )
    seeds: tuple[int, ...] = Field((), description="Seeds of split and training; the metrics are the mean over them.")
    folds: int = Field(
        0, ge=0, description="Cross-validation folds; the metrics are of the pooled out-of-fold answers."
    )
    train_fraction: tuple[float, ...] = Field((), description="Shares of the training units, each a row.")
    fractions_of_all: bool = Field(
        False, description="Give the shares to the further models and the floor too, not to the model alone."
    )

    def model_of(self, name: str) -> str:
        """Return the registered model that a name of the study stands for."""
        return str(self.settings.get(name, {}).get("model", name))


class ReleaseTable(Config):
    """What the release is called."""

    version: str = Field("0.1.0", description="Version of the release.")
    replaces: str = Field("", description="content_hash of the release that this one replaces.")


class Recipe(Config):
    """The whole recipe. The tables ``task``, ``model`` and ``floor`` are checked by the part that they name."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name of the recipe and of its release.")
    domain: str = Field(description="Which domain.")
    seed: int = Field(0, description="Seed of training.")
    data: DataTable = DataTable()
    task: Mapping[str, Any] = Field(description="Name of the task and its settings.")
    split: SplitTable = SplitTable()
    model: Mapping[str, Any] = Field(description="Name of the model and its settings.")
    floor: Mapping[str, Any] = Field(default_factory=dict, description="Settings of the floor that the task names.")
    train: TrainTable = TrainTable()
    calibrate: CalibrateTable = CalibrateTable()
    evaluate: EvaluateTable = EvaluateTable()
    gates: Mapping[str, GateTable] = Field(default_factory=dict, description="Limits by metric.")
    intent: Intent
    study: StudyTable = StudyTable()
    release: ReleaseTable = ReleaseTable()

    @property
    def hash(self) -> str:
        """SHA-256 of the resolved recipe."""
        return hash_of(self.model_dump(mode="json"))


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and check it whole.

    Parameters
    ----------
    path : Path
        The TOML file.
    overrides : sequence of str
        ``table.key=value``, the value in TOML (a bare word is a text). Another ``name`` of a task or model drops the
        settings of the one before.

    Raises
    ------
    RecipeError
        If the file is missing, is no TOML, misses a key or has one that nobody reads.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"recipe {path.name}: expected a readable TOML file, got: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path.name}: expected TOML, got a syntax error: {error}") from error
    for text in overrides:
        _override(table, text)
    recipe = validated(Recipe, table, where=f"recipe {path.name}")
    if bool(recipe.data.path) == bool(recipe.data.example):
        raise RecipeError(f"recipe {path.name}: [data] expected either 'path' or 'example', got both or neither")
    for name in recipe.study.settings:
        if name not in recipe.study.models:
            raise RecipeError(unknown("model", name, recipe.study.models, where=f"recipe {path.name} [study.settings]"))
    return recipe


def _override(table: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"--set: expected table.key=value, got '{text}'")
    *path, last = key.strip().split(".")
    for part in path:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise RecipeError(f"--set {key}: '{part}' is a value, not a table")
    try:
        new = tomllib.loads(f"v = {value}")["v"]
    except tomllib.TOMLDecodeError:
        new = value
    if last == "name" and path and table.get("name") != new:
        table.clear()  # the settings of one part mean nothing to another
    table[last] = new


def validated(config: type[C], table: Mapping[str, Any], *, where: str) -> C:
    """Check a table against the settings of the part that reads it.

    Raises
    ------
    RecipeError
        Naming the table, the key, what was expected, and the nearest known key.
    """
    try:
        return config.model_validate(dict(table))
    except ValidationError as error:
        raise RecipeError("; ".join(_problem(config, e, where) for e in error.errors())) from error


def _problem(config: type[Config], problem: Any, where: str) -> str:
    *path, last = [str(part) for part in problem["loc"]] or [""]
    place = f"{where} [{'.'.join(path)}]" if path else where
    if problem["type"] == "extra_forbidden":
        return unknown("key", last, _keys(config, path), where=place)
    if problem["type"] == "missing":
        return f"{place}: expected the key '{last}', got none"
    return f"{place}: '{last}': {problem['msg'][:1].lower()}{problem['msg'][1:]}, got {problem['input']!r}"


def _keys(config: type[Config], path: Sequence[str]) -> list[str]:
    fields = config.model_fields
    for part in path:
        inner = fields[part].annotation if part in fields else None
        if not (isinstance(inner, type) and issubclass(inner, Config)):
            break
        fields = inner.model_fields
    return list(fields)


def part_of(table: Mapping[str, Any], *, where: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a part and its settings from a ``[task]`` or ``[model]`` table.

    Raises
    ------
    RecipeError
        If the table has no ``name``.
    """
    settings = dict(table)
    name = settings.pop("name", None)
    if not isinstance(name, str):
        raise RecipeError(f"{where}: expected the key 'name', got none")
    return name, settings


def save_resolved(recipe: Recipe, path: Path) -> None:
    """Write the recipe with every default spelled out."""
    write_bytes(path, tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True)).encode())


def expand(path: str) -> Path:
    """Replace ``${NAME}`` by the environment.

    Raises
    ------
    RecipeError
        If a variable is not set; says which.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if not found:
            raise RecipeError(f"[data] path: the environment variable {match[1]} is not set; export {match[1]}=FOLDER")
        return found

    return Path(re.sub(r"\$\{(\w+)\}", value, path)).expanduser()

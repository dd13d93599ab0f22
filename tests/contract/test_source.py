"""Rules about the source tree that a machine can repeat: sizes, docstrings, settings, recipes, names, errors."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest

import auscult
from auscult.base import errors
from auscult.base.contracts import Config, Probes
from auscult.base.errors import AuscultError
from auscult.base.recipe import load_recipe, part_of, validated
from auscult.base.registry import load_part
from auscult.engine.answers import kind_of
from auscult.engine.metrics.table import METRICS
from toys.battery import domains

TREE = Path(auscult.__file__).parents[2]
SOURCE = Path(auscult.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
RECIPES = sorted((TREE / "recipes").rglob("*.toml"))
MAX_LINES = 400
PUBLIC = [
    "build",
    "compare",
    "datasets",
    "generate",
    "get_dataset",
    "inspect",
    "models",
    "predict",
    "report",
    "scan",
    "serve",
    "verify",
]
AXES = re.compile(r"[Ss]hapes? that broadcast|any shape|\(\s*[A-Z](?:'|\b)|\([a-z], ?\d|\bscalar\b|\(\d")
NOT_OURS = re.compile(r"(?<![\w.])/(?:work|tmp|root|home)/|pypi\.org/simple|\bartifactory\b|\bTODO\b|\bFIXME\b")
ERRORS = 12

T = TypeVar("T")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _public(path: Path) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Public functions, classes, and public methods of public classes; not what is nested in a function."""
    queue: list[ast.AST] = list(_tree(path).body)
    while queue:
        node = queue.pop()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                queue += node.body


def test_public_names() -> None:
    assert sorted(auscult.__all__) == PUBLIC
    assert dir(auscult) == PUBLIC
    with pytest.raises(AttributeError, match="module 'auscult' has no attribute 'absent'"):
        _ = auscult.absent


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_a_documented_function(name: str) -> None:
    function = getattr(auscult, name)
    assert callable(function)
    assert len(inspect.getdoc(function) or "") > 20


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_LINES, "longer than 400 lines"
    assert not NOT_OURS.search(text), NOT_OURS.search(text)
    if path.name != "__init__.py" or text.strip():
        assert ast.get_docstring(_tree(path)), "no docstring that says what this file is"
    missing = [node.name for node in _public(path) if not ast.get_docstring(node)]
    assert not missing, f"no docstring: {missing}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_arrays_have_axes(path: Path) -> None:
    """A public function of arrays alone says their shapes: a bracket that begins with the letter of an axis.

    A method may leave it to the docstring of its class, a function to that of its file.
    """
    bare = []
    for owner in [_tree(path), *[c for c in _public(path) if isinstance(c, ast.ClassDef)]]:
        above = ast.get_docstring(owner) or ""  # type: ignore[arg-type]
        for node in owner.body:  # type: ignore[attr-defined]
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or not _of_arrays(node):
                continue
            said = (ast.get_docstring(node) or "") + above
            if not AXES.search(said):
                bare.append(node.name)
    assert not bare, f"no axes in the docstring: {bare}"


def _of_arrays(node: ast.FunctionDef) -> bool:
    """Whether a function takes and returns plain arrays: the numeric code, not the plumbing of columns."""
    taken = [ast.unparse(a.annotation) for a in [*node.args.args, *node.args.kwonlyargs] if a.annotation]
    given = ast.unparse(node.returns) if node.returns else ""
    array = re.compile(r"^(np\.ndarray|npt\.NDArray|Array|Floats|Bools|Ints)\b")
    return any(array.match(t) for t in taken) and bool(array.match(given))


def _subclasses(cls: type[T]) -> Iterator[type[T]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _subclasses(sub)


def _settings() -> list[type[Config]]:
    """Every ``Config`` that a recipe, a task or a model has; forms of files and requests are no settings."""
    _import_all()
    return [
        c
        for c in _subclasses(Config)
        if c.__module__.startswith("auscult.") and not {"readers", "service"} & set(c.__module__.split("."))
    ]


def _import_all() -> None:
    for module in pkgutil.walk_packages([str(SOURCE)], "auscult."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def test_every_setting_is_read() -> None:
    """Nothing is ignored: each field of each ``Config`` occurs as an attribute outside its definition."""
    code = "\n".join(p.read_text(encoding="utf-8") for p in FILES)
    read = {n.attr for p in FILES for n in ast.walk(_tree(p)) if isinstance(n, ast.Attribute)}
    read |= set(re.findall(r'getattr\([^,]+, f?"([a-z_{}]+)"', code))
    unread = [
        f"{config.__name__}.{name}"
        for config in _settings()
        for name in config.model_fields
        if name not in read and not (name.endswith("_records") and "{role}_records" in read)
    ]
    assert not unread, f"settings that nobody reads: {unread}"


def test_every_setting_explains_itself() -> None:
    bare = [
        f"{config.__name__}.{name}"
        for config in _settings()
        if config.__name__ != "Recipe"  # its tables explain themselves
        for name, field in config.model_fields.items()
        if not field.description
    ]
    assert not bare, f"settings without help: {bare}"


def test_every_error_has_an_exit_code_and_a_sentence() -> None:
    tree = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, AuscultError)]
    assert len(tree) == ERRORS
    for cls in tree:
        assert cls.exit_code in (1, 2, 3)
        assert (cls.__doc__ or "").endswith((".", "``exit_code`` is what the command line returns."))
    _import_all()
    elsewhere = [
        c.__qualname__ for c in _subclasses(AuscultError) if c.__module__.startswith("auscult.") and c not in tree
    ]
    assert not elsewhere, f"errors outside of the tree: {elsewhere}"


def test_only_errors_of_the_tree_are_raised() -> None:
    """What a user can meet comes from the tree; builtins stay for programming errors, which have no message of ours."""
    allowed = {
        "AttributeError",
        "NotImplementedError",
        "SystemExit",
        "KeyboardInterrupt",
        "StopIteration",
        "ValueError",
    }
    known = {c.__name__ for c in _subclasses(AuscultError)} | {"AuscultError"} | allowed
    wrong = []
    for path in FILES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
                name = node.exc.func.id
                of_http = name == "HTTPException" and "service" in path.parts
                if name.endswith(("Error", "Exception")) and name not in known and not of_http:
                    wrong.append(f"{path.relative_to(SOURCE)}:{node.lineno} {name}")
    assert not wrong


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_recipe(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe(path)
    declared = domains()[recipe.domain]
    assert recipe.name == path.stem
    assert path.parent.name == recipe.domain
    parts = [("tasks", recipe.task), ("models", recipe.model)]
    made = {}
    for table, given in parts:
        name, settings = part_of(given, where=str(path.name))
        cls = load_part(declared, table, name)
        made[table] = cls(validated(cls.Config, settings, where=path.name))
    spec = made["tasks"].spec
    floor = load_part(declared, "models", spec.floor)
    validated(floor.Config, dict(recipe.floor), where=path.name)
    for name in recipe.study.models:
        load_part(declared, "models", recipe.study.model_of(name))
    judged = {*spec.metrics, *(kind_of(spec).table(spec) if isinstance(made["tasks"], Probes) else ())}
    for gate in recipe.gates:
        assert any(gate == m or gate.startswith(f"{m}_") for m in judged), gate
    for published in recipe.evaluate.published:
        assert published.metric.removesuffix("_end_to_end") in METRICS, published.metric
    for name, text in recipe.intent.model_dump().items():
        assert len(text.split()) >= 2, f"[intent] {name} says nothing"
    assert not any(Path(v).is_absolute() for v in (recipe.data.path, recipe.train.pretrained))
    kinds = getattr(type(made["models"]), "kinds", (spec.kind,))
    assert spec.kind in kinds, f"{recipe.model['name']} does not learn {spec.kind}"


def test_tables_of_domains_resolve() -> None:
    for domain in domains().values():
        for table in ("readers", "tasks", "models", "checks", "examples", "faults"):
            for name in getattr(domain, table):
                assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name), f"{domain.name} {table}: {name}"
                assert load_part(domain, table, name) is not None


def test_entries_of_pyproject() -> None:
    table = tomllib.loads((TREE / "pyproject.toml").read_text(encoding="utf-8"))
    extras = table["project"]["optional-dependencies"]
    for name in set(domains()) - {"toys"}:
        assert name in extras, f"the domain {name} has no extra"
        heavy = [r for r in extras[name] if re.match(r"(torch|lightning|scikit-learn|lightgbm)\b", r)]
        assert not heavy, f"a serving extra must not bring {heavy}"

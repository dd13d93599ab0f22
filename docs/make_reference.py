"""Writes the pages of ``docs/reference`` that are made from the code: ``python docs/make_reference.py``.

A test compares what is made here with what is there, so a changed option, key, metric or error changes its page too.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from auscult.base import errors
from auscult.base.contracts import Config
from auscult.base.recipe import Recipe
from auscult.base.registry import domain_table, load_domain, load_part
from auscult.cli import app
from auscult.engine.compare import Plan
from auscult.engine.metrics.table import METRICS

HERE = Path(__file__).parent / "reference"
MADE = "<!-- Made by docs/make_reference.py; change the code and run it again. -->\n"
LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "min_length": "length ≥", "pattern": "like"}


def main() -> None:
    """Write every page."""
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Text of each page by its file name."""
    made = {"cli.md": cli(), "recipe.md": recipe(), "metrics.md": metrics(), "errors.md": error_tree()}
    return {name: text.rstrip() + "\n" for name, text in made.items()}


def cli() -> str:
    """Every verb with its arguments and options."""
    group: Any = typer.main.get_command(app)
    lines = ["# Command line", "", MADE, _exit_line(group), ""]
    for name, command in group.commands.items():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        shown = " ".join(p.name.upper() + ("..." if p.nargs == -1 else "") for p in arguments if p.name)
        lines += [f"## auscult {name}", "", f"    auscult {name} {shown} [OPTIONS]".replace("  [", " ["), ""]
        lines += [_one_line(command.help or ""), "", "| | default | |", "|---|---|---|"]
        lines += [_parameter(p) for p in command.params]
        lines.append("")
    return "\n".join(lines)


def _exit_line(group: Any) -> str:
    callback = inspect.getdoc(group.callback) or ""
    return f"{_one_line(group.help or '')} {_one_line(callback)}\n\n`auscult --version` prints the version."


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name, default = f"`{str(parameter.name).upper()}`", "required"
    else:
        name = f"`{parameter.opts[0]}`"
        plain = parameter.default is None or parameter.default in ("", False, ()) or callable(parameter.default)
        default = "required" if parameter.required else "" if plain else f"`{parameter.default}`"
    variable = f" (or the variable `{parameter.envvar}`)" if getattr(parameter, "envvar", None) else ""
    return f"| {name} | {default} | {getattr(parameter, 'help', '') or ''}{variable} |"


def recipe() -> str:
    """Every key of a recipe, of each task and of each model."""
    about = "One TOML file. An unknown key is an error. `--set table.key=value` changes one key."
    lines = ["# Recipe", "", MADE, about, ""]
    lines += _keys("Top level", Recipe, skip_tables=True)
    for name, field in Recipe.model_fields.items():
        inner = _config_in(field.annotation)
        if inner is not None:
            lines += _keys(_table_title(name, field), inner)
    for domain_name in domain_table():
        domain = load_domain(domain_name)
        for table, part in (("task", "tasks"), ("model", "models")):
            for name in sorted(getattr(domain, part)):
                cls = load_part(domain, part, name)
                title = f'`[{table}]` with `name = "{name}"` ({domain_name})'
                lines += _keys(title, cls.Config, about=_first_line(cls))
    lines += ["# Plan of a comparison", "", "The file of `auscult compare --plan`.", ""]
    lines += _keys("Top level of a plan", Plan)
    inner = _config_in(Plan.model_fields["limits"].annotation)
    return "\n".join(lines + (_keys("`[limits.METRIC]`", inner) if inner else []))


def _table_title(name: str, field: FieldInfo) -> str:
    if get_origin(field.annotation) in (dict, Mapping, typing.Mapping) or "Mapping" in str(field.annotation):
        return f"`[{name}.METRIC]`"
    return f"`[{name}]`"


def _keys(title: str, config: type[Config], *, skip_tables: bool = False, about: str = "") -> list[str]:
    lines = [f"## {title}", "", about or _first_line(config), ""]
    rows = []
    for name, field in config.model_fields.items():
        if skip_tables and _config_in(field.annotation) is not None:
            continue
        rows.append(f"| `{name}` | {_type(field)} | {_default(field)} | {field.description or ''} |")
    if not rows:
        return [*lines, "No keys.", ""]
    return [*lines, "| key | type | default | |", "|---|---|---|---|", *rows, ""]


def _config_in(annotation: Any) -> type[Config] | None:
    """Return the settings class that an annotation holds, also inside a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return annotation
    if get_origin(annotation) in (tuple, list):
        return None
    return next((found for part in get_args(annotation) if (found := _config_in(part))), None)


def _type(field: FieldInfo) -> str:
    limits = [
        f"{sign} {value if name != 'pattern' else f'`{value}`'}"
        for part in field.metadata
        for name, sign in LIMITS.items()
        if (value := getattr(part, name, None)) is not None
    ]
    return ", ".join([_word(field.annotation), *limits]).replace("|", "\\|")


def _word(annotation: Any) -> str:
    words: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "value"}
    if annotation in words:
        return words[annotation]
    origin, inner = get_origin(annotation), [a for a in get_args(annotation) if a not in (type(None), ...)]
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_word(a) for a in inner)
    if origin is tuple:
        return f"list of {_word(inner[0])}"
    if origin is not None and len(inner) == 2:
        return f"table of {_word(inner[1])}"
    return "table" if _config_in(annotation) else str(getattr(annotation, "__name__", annotation))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(_plain(v) for v in value)}]`"
    return f"`{_plain(value)}`"


def _plain(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value}"


def metrics() -> str:
    """The table of metrics."""
    lines = [
        "# Metrics",
        "",
        MADE,
        "A task lists its metrics; gates, plans and the evidence name them as here. Intervals are 95 % bootstrap",
        "intervals over subjects, or over records where no subject is known. A suffix names another way of judging:",
        "`accuracy_end_to_end` is `accuracy` end to end. For values, `mae_COLUMN` is the error of one column.",
        "",
        "| name | definition | better | unit | source |",
        "|---|---|---|---|---|",
    ]
    for metric in METRICS.values():
        better = "higher" if metric.higher_is_better else "lower"
        unit = {"1": "", "target": "of the target"}.get(metric.unit, metric.unit)
        lines.append(f"| `{metric.name}` | {metric.definition} | {better} | {unit} | {metric.source} |")
    return "\n".join(lines)


def error_tree() -> str:
    """The error tree with exit statuses."""
    about = (inspect.getdoc(errors) or "").split("\n\n")[1].replace("\n", " ")
    lines = ["# Errors", "", MADE, about, "", "| error | exit status | |", "|---|---|---|"]
    for depth, cls in _walk(errors.AuscultError):
        lines.append(f"| {'– ' * depth}`{cls.__name__}` | {cls.exit_code} | {_first_line(cls)} |")
    lines += [
        "",
        "A file that cannot be read never ends a job: in a build it is set aside and counted, and in `predict` and",
        "over HTTP it is answered with the status `refused` and the same words as reason. What is left out of records",
        "that are used is told with the status `note`.",
    ]
    return "\n".join(lines)


def _walk(cls: type[errors.AuscultError], depth: int = 0) -> Iterator[tuple[int, type[errors.AuscultError]]]:
    yield depth, cls
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _walk(child, depth + 1)


def _first_line(thing: Any) -> str:
    return _one_line((inspect.getdoc(thing) or "").split("\n\n")[0])


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")


if __name__ == "__main__":
    main()

"""The model card: the report in short, as Markdown, under the headings of Mitchell et al. 2019."""

from __future__ import annotations

import re
from collections.abc import Sequence

from auscult.engine.release.report_parts import Block, Listing, Source, Table, Text, pairs
from auscult.engine.release.report_sections import blocks_of
from auscult.engine.release.report_summary import caveats, intent_rows, judged_on, title_rows
from auscult.engine.release.report_text import meaning_of

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!~&])")


def model_card(source: Source) -> str:
    """Return the model card of a release.

    Parameters
    ----------
    source : Source
        Evidence, manifest and calibration.

    Returns
    -------
    str
        Markdown (CommonMark with tables); text from outside cannot become markup.

    Notes
    -----
    Headings: Mitchell et al. 2019, Model cards for model reporting, FAT*, section 4.
    """
    name, version = source.evidence.recipe.name, str(source.manifest.get("version", ""))
    parts = [f"# Model card: {plain(f'{name} {version}')}"]
    for heading, blocks in _headings(source).items():
        parts.append(f"## {heading}")
        parts += [_block(block) for block in blocks]
    return "\n\n".join(parts) + "\n"


def _headings(source: Source) -> dict[str, Sequence[Block]]:
    metrics, spec = source.metrics, source.spec
    definition, origin = meaning_of(metrics["primary"], spec)
    others = [name for name in metrics["metrics"] if name != metrics["primary"]]
    split = blocks_of(source, "split")
    return {
        "Model details": [pairs(_details(source)), *blocks_of(source, "choice")[:1]],
        "Intended use": [pairs(intent_rows(source))],
        "Factors": blocks_of(source, "subgroups"),
        "Metrics": [
            Text(f"Primary: {metrics['primary']}. {definition}{f' ({origin})' if origin else ''}"),
            Text(f"Reported beside it: {', '.join(others) or 'none'}."),
            Text(f"Intervals: {source.level}, bootstrap over {source.units}."),
        ],
        "Evaluation data": [
            Text(f"Judged on {judged_on(source)}."),
            *split[:1],
            *blocks_of(source, "leaks"),
        ],
        "Training data": [*blocks_of(source, "data"), *split[1:]],
        "Quantitative analyses": [
            *blocks_of(source, "summary")[:1],
            *_tables(source, "results")[:1],
            *blocks_of(source, "gates")[-1:],
            *_tables(source, "faults"),
            *_tables(source, "latency"),
            *_tables(source, "calibration")[-1:],
        ],
        "Ethical considerations": [Text(t) for t in _ethics(source)],
        "Caveats and recommendations": [
            Listing(caveats(source) or ("None beyond the intended use and the figures above.",)),
            Text("The full report with pictures is report.html. Run 'auscult verify' before use."),
        ],
    }


def _details(source: Source) -> dict[str, str]:
    made = source.metrics
    return {
        **title_rows(source),
        "Task": f"{source.spec.summary} (answers: {made['kind']})",
        "Model": str(made["model"]),
        "Recipe hash": str(made["recipe_hash"]),
        "Auscult": str(source.manifest.get("auscult", "not stated")),
    }


def _ethics(source: Source) -> list[str]:
    intent, asked = source.evidence.recipe.intent, source.evidence.recipe.evaluate.subgroups
    missing = [key.replace("_", " ") for key in asked if key not in source.metrics["subgroups"]]
    unknown = f" Not in the data, hence not examined: {', '.join(missing)}." if missing else ""
    return [
        "Subjects are kept as keyed pseudonyms and records as hashes; no identifying field is kept.",
        f"It must not be used for: {intent.not_for}",
        f"Whether it serves every group equally well can be judged only for those under Factors.{unknown}",
    ]


def _tables(source: Source, anchor: str) -> list[Table]:
    return [block for block in blocks_of(source, anchor) if isinstance(block, Table)]


def _block(block: Block) -> str:
    if isinstance(block, Text):
        return plain(block.text)
    if isinstance(block, Listing):
        return "\n".join(f"- {plain(line)}" for line in block.lines)
    if isinstance(block, Table):
        return _table(block)
    return plain(block.figure.title)


def _table(table: Table) -> str:
    if table.header == ("", ""):
        return "\n".join(f"- **{plain(key)}**: {plain(value)}" for key, value in table.rows)
    ruler = ("---:" if k in table.numbers else "---" for k in range(len(table.header)))
    lines = [
        tuple(plain(word) for word in table.header),
        tuple(ruler),
        *(tuple(map(plain, row)) for row in table.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plain(text: str) -> str:
    """Make text from outside mean itself in Markdown: one line, every special character escaped."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))

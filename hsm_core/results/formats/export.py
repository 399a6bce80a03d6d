"""Writes a table of results as CSV, JSON, JSON lines or Markdown; ``results.formats.output`` writes it to a file."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace

from ..table import Spread, Table
from .cells import harmless, markdown

#: Of what ``hsm results --json`` prints.
SCHEMA_VERSION = 1
#: Hydra's word for None; a cell without a value is empty.
NULL = "null"


def to_csv(table: Table, delimiter: str = ",", *, raw: bool = False) -> str:
    """Returns CSV with a header; a group's metric becomes three columns: mean, std and n.

    Args:
        raw: also leave text as it is that a spreadsheet would compute.
    """
    wide = spelled_out(table)
    stream, fit = io.StringIO(), _same if raw else harmless
    writer = csv.writer(stream, lineterminator="\n", delimiter=delimiter)
    writer.writerow(map(fit, wide.columns))
    writer.writerows([fit(_cell(line.get(name, ""))) for name in wide.columns] for line in wide.lines)
    return stream.getvalue()


def to_tsv(table: Table) -> str:
    """Returns the same with tabs."""
    return to_csv(table, "\t")


def to_json(table: Table) -> str:
    """Returns a document with ``schema_version``, ``sweeps``, ``columns``, their ``kinds`` and ``rows``.

    NaN and infinity are strings.
    """
    lines = [json_line(line, table.columns) for line in table.lines]
    document = {
        "schema_version": SCHEMA_VERSION, "sweeps": list(table.sweeps), "columns": list(table.columns),
        "kinds": {name: table.kind_of(name) for name in table.columns}, "rows": lines,
    }  # fmt: skip
    return json.dumps(document, indent=1) + "\n"


def to_jsonl(table: Table) -> str:
    """Returns one JSON object a line."""
    return "".join(json.dumps(json_line(line, table.columns)) + "\n" for line in table.lines)


def to_markdown(table: Table) -> str:
    """Returns a table for a README or a pull request."""
    head = [f"| {' | '.join(map(markdown, table.columns))} |", f"|{'---|' * len(table.columns)}"]
    for line in table.lines:
        shown = (show(line[name]) if name in line else "" for name in table.columns)
        head.append(f"| {' | '.join(map(markdown, shown))} |")
    return "\n".join(head) + "\n"


def spelled_out(table: Table) -> Table:
    """Returns the table with a column each for mean, std and n of a group's metrics."""
    grouped = {name for line in table.lines for name, value in line.items() if isinstance(value, Spread)}
    columns: list[str] = []
    for name in table.columns:
        columns += [f"{name}.mean", f"{name}.std", f"{name}.n"] if name in grouped else [name]
    return replace(table, columns=tuple(columns), lines=tuple(_spelled_out(line) for line in table.lines))


def show(value: object) -> str:
    """Returns a value as people read it: six digits, ``0.913 ± 0.004 (5)``; empty text is not ``null``."""
    if isinstance(value, Spread):
        return f"{value.mean:.4g} ± {value.deviation:.2g} ({value.count})"
    return f"{value:.6g}" if isinstance(value, float) else NULL if value is None else str(value)


def json_line(line: dict[str, object], columns: tuple[str, ...]) -> dict[str, object]:
    """Returns the chosen columns of a line as JSON can hold them."""
    return {name: plain(line.get(name)) for name in columns}


def plain(value: object) -> object:
    """Returns a value as JSON can hold it, however deep: NaN and infinity become strings."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, Spread):
        return {"mean": plain(value.mean), "std": plain(value.deviation), "n": value.count}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _spelled_out(line: dict[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in line.items():
        if isinstance(value, Spread):
            found |= {f"{name}.mean": value.mean, f"{name}.std": value.deviation, f"{name}.n": value.count}
        else:
            found[name] = value
    return found


def _cell(value: object) -> object:
    if value is None:
        return NULL
    return json.dumps(plain(value)) if isinstance(value, list | dict) else value


def _same(value: object) -> object:
    return value

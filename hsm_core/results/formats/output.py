"""Writes a table of results to a file, in the format that the file's suffix names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hsm_core.errors import ConfigError
from hsm_core.overrides import quoted
from hsm_core.store.files import write_atomically

from ..table import Table
from .excel import to_excel
from .export import to_csv, to_json, to_jsonl, to_markdown, to_tsv
from .parquet import to_parquet

#: Formats that are text, and what writes them.
TEXTS: dict[str, Callable[[Table], str]] = {
    "csv": to_csv, "tsv": to_tsv, "json": to_json, "jsonl": to_jsonl, "md": to_markdown,
}  # fmt: skip
#: Formats that only a file can hold, and what writes them.
BINARIES: dict[str, Callable[[Table], bytes]] = {"parquet": to_parquet, "xlsx": to_excel}
FORMATS = (*TEXTS, *BINARIES)
_SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".json": "json",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".md": "md", ".markdown": "md",
    ".parquet": "parquet", ".pq": "parquet", ".xlsx": "xlsx",
}  # fmt: skip


def format_of(path: Path, asked: str | None = None) -> str:
    """Returns the format for a file.

    Args:
        asked: the format that was asked for in words, if any.

    Raises:
        ConfigError: the suffix is none that is known, or it says another format than was asked for.
    """
    meant = _SUFFIXES.get(path.suffix.lower())
    if meant is None and asked is None:
        raise ConfigError(
            f"unknown format: '{path.name}'", evidence=f"known suffixes: {' '.join(_SUFFIXES)}",
            fix=f"-o {quoted(str(path.with_suffix('.csv')))}", instead=(str(path), str(path.with_suffix(".csv"))),
        )  # fmt: skip
    if meant and asked and meant != asked:
        raise ConfigError(
            f"'{path.name}' would be {meant}, but --format says {asked}", fix=f"--format {meant}",
            instead=(asked, meant),
        )  # fmt: skip
    return asked or meant or ""


def text_of(table: Table, form: str, *, raw_cells: bool = False) -> str:
    """Returns a table in one of ``TEXTS``.

    Args:
        raw_cells: leave cells of CSV as they are that a spreadsheet would compute.
    """
    if raw_cells and form in ("csv", "tsv"):
        return to_csv(table, "," if form == "csv" else "\t", raw=True)
    return TEXTS[form](table)


def write_table(table: Table, path: Path, form: str, *, raw_cells: bool = False) -> None:
    """Writes the whole file or nothing; for ``raw_cells`` see ``text_of``.

    Raises:
        ConfigError: its directory is not there.
        HsmError: what writes Parquet or a workbook is not installed.
        OSError: it can't be written.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"there is no directory {path.parent}", fix=f"mkdir -p {quoted(str(path.parent))}")
    if form in TEXTS:
        write_atomically(path, text_of(table, form, raw_cells=raw_cells).encode("utf-8", "backslashreplace"))
    else:
        write_atomically(path, BINARIES[form](table))

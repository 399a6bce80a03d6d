"""Writes a table of results to a file, in the format that the file's suffix names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hsm_core.errors import ConfigError
from hsm_core.overrides import quoted
from hsm_core.store.files import write_atomically

from .export import to_csv, to_json, to_jsonl, to_markdown, to_tsv
from .parquet import to_parquet
from .table import Table

#: Formats that are text, and what writes them.
TEXTS: dict[str, Callable[[Table], str]] = {
    "csv": to_csv, "tsv": to_tsv, "json": to_json, "jsonl": to_jsonl, "md": to_markdown,
}  # fmt: skip
FORMATS = (*TEXTS, "parquet")
_SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".json": "json",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".md": "md", ".markdown": "md",
    ".parquet": "parquet", ".pq": "parquet",
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


def write_table(table: Table, path: Path, form: str) -> None:
    """Writes the whole file or nothing.

    Raises:
        ConfigError: its directory is not there.
        HsmError: Parquet is asked for and pyarrow is not installed.
        OSError: it can't be written.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"there is no directory {path.parent}", fix=f"mkdir -p {quoted(str(path.parent))}")
    is_text = form in TEXTS
    data = TEXTS[form](table).encode("utf-8", "backslashreplace") if is_text else to_parquet(table)
    write_atomically(path, data)

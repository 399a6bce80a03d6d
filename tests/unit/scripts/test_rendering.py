"""Scripts from templates: ours, and a user's own that extends ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsm_core.errors import ConfigError
from hsm_core.scripts.rendering import render

VALUES = {
    "directives": ["#PBS -N t"],
    "umask": "022",
    "log": None,
    "setup": ["module load python"],
    "env": [("A", "it's")],
    "cwd": "/a b",
    "command": "exec true",
    "token": "t",
    "starts": None,
    "rank_starter": "",
    "index": "",
}


def own(tmp_path: Path, text: str, name: str = "mine.sh.j2") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_ours_is_a_script_that_reads_from_top_to_bottom() -> None:
    text = render("pbs.sh.j2", VALUES)
    parts = ["#!/bin/bash\n", "#PBS -N t\n", "module load python\n", "set -euo pipefail\n", "export A=\"it's\"\n"]
    places = [text.index(part) for part in [*parts, "cd '/a b'\n", "exec true\n"]]
    assert places == sorted(places)
    assert text.startswith("#!")


def test_a_plain_job_heeds_no_index_that_it_inherited() -> None:
    text = render("pbs.sh.j2", VALUES)
    assert "INDEX=0\n" in text
    assert "unset PBS_ARRAY_INDEX PBS_ARRAY_ID PBS_ARRAYID\n" in text
    array = render("pbs.sh.j2", {**VALUES, "index": "$PBS_ARRAY_INDEX"})
    assert "INDEX=$PBS_ARRAY_INDEX\n" in array
    assert "unset PBS" not in array


@pytest.mark.parametrize("name", ["mine.sh.j2", "pbs.sh.j2"])
def test_a_users_template_extends_a_block_of_ours(tmp_path: Path, name: str) -> None:
    template = own(
        tmp_path,
        '{% extends "pbs.sh.j2" %}\n{% block command %}\nulimit -c 0\n{{ super() }}{% endblock %}\n',
        name,
    )
    text = render("pbs.sh.j2", VALUES, template)
    assert text.replace("ulimit -c 0\n", "") == render("pbs.sh.j2", VALUES)
    assert "ulimit -c 0\n" in text


def test_a_users_template_may_include_a_file_beside_it(tmp_path: Path) -> None:
    own(tmp_path, "echo {{ token | quote }}\n", "part.j2")
    template = own(tmp_path, '{% extends "pbs.sh.j2" %}{% block setup %}{% include "part.j2" %}{% endblock %}')
    assert "echo t\n" in render("pbs.sh.j2", VALUES, template)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{% extends "pbs.sh.j2" %}{% block command %}{{ wallclock }}{% endblock %}', "wallclock"),
        ("{% block command %}", "line 1"),
        ('{% extends "other.j2" %}', "other.j2"),
    ],
)
def test_a_wrong_template_is_told_by_its_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        render("pbs.sh.j2", VALUES, own(tmp_path, text))
    assert "mine.sh.j2" in refused.value.problem
    assert said in refused.value.evidence


def test_a_template_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.j2"):
        render("pbs.sh.j2", VALUES, tmp_path / "gone.j2")

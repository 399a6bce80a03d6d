"""From fields to the exact lines of a job's script, in the words of PBS Pro and of Torque."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hsm_core.errors import ConfigError
from hsm_core.schedulers.pbs import script
from hsm_core.schedulers.pbs.dialect import Pbs
from hsm_core.schedulers.pbs.jobs import PbsJobs
from hsm_core.schedulers.pbs.script import directives, script_text
from hsm_core.schedulers.pbs.settings import PbsResources
from hsm_core.scripts.rendering import TEMPLATES
from hsm_core.testing.recording import RecordingHost

PRO = PbsResources(umask="022")
TORQUE = PbsResources(umask="022", flavour="torque")


def lines(resources: PbsResources, **fields: Any) -> list[str]:
    """What these fields add to the lines that are always there."""
    usual = set(directives(resources, "t"))
    asked = directives(replace(resources, **fields), "t")
    return [line.removeprefix("#PBS ") for line in asked if line not in usual]


SHELL = TEMPLATES / "login_shell.sh"


def test_the_shell_of_a_job_survives_a_warning_and_runs_what_pbs_names(tmp_path: Path) -> None:
    job = tmp_path / "12[3].pbs.SC"
    job.write_text("#!/bin/bash\nkill -USR1 $PPID; sleep 0.1; shopt -q login_shell || exit 7\n")
    job.chmod(0o755)
    shell = subprocess.run([SHELL], input=str(job).replace("[", "\\[") + "\n", text=True, check=False)
    assert shell.returncode == 7
    assert subprocess.run([SHELL, job], check=False).returncode == 7
    assert subprocess.run([SHELL, "-c", "exit 7"], check=False).returncode == 7
    job.write_text("if kill -USR1 $$\nthen\n  exit 7\nfi\n")
    with job.open() as stream:
        assert subprocess.run([SHELL], stdin=stream, check=False).returncode == 7


@pytest.mark.parametrize(("folder", "is_named"), [("templates", True), ("my templates", False)])
def test_what_is_always_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, is_named: bool
) -> None:
    shutil.copytree(TEMPLATES, tmp_path / folder)
    monkeypatch.setattr(script, "TEMPLATES", tmp_path / folder)
    shell = str(tmp_path / folder / "login_shell.sh") if is_named else "/bin/bash"
    assert directives(PRO, "sweep-abcdefgh") == [
        "#PBS -N sweep-abcdefgh",
        "#PBS -r y",
        f"#PBS -S {shell}",
        "#PBS -W umask=022",
        "#PBS -j oe",
        "#PBS -o sweep-abcdefgh.log",
        "#PBS -k doe",
    ]
    assert "#PBS -k doe" not in directives(replace(PRO, writes_directly=False), "t")
    assert "#PBS -k doe" not in directives(TORQUE, "t")


@pytest.mark.parametrize(
    ("resources", "size", "throttle", "expected"),
    [
        (PRO, None, None, ["-o t.log"]),
        (PRO, 1, 1, ["-o t.log"]),
        (PRO, 10, None, ["-J 0-9", "-o t.^array_index^.log"]),
        (PRO, 10, 3, ["-J 0-9%3", "-o t.^array_index^.log"]),
        (TORQUE, 1, None, ["-o t.log"]),
        (TORQUE, 10, 3, ["-t 0-9%3", "-o t.log"]),
    ],
)
def test_arrays(resources: PbsResources, size: int | None, throttle: int | None, expected: list[str]) -> None:
    said = [line.removeprefix("#PBS ") for line in directives(resources, "t", size, throttle)]
    assert [line for line in said if line.startswith(("-J", "-t", "-o"))] == expected


@pytest.mark.parametrize(
    ("fields", "pro", "torque"),
    [
        ({}, [], []),
        (
            {"cpus_per_task": 4, "mem_gb": 16},
            ["-l select=1:ncpus=4:mem=16gb"],
            ["-l nodes=1:ppn=4,mem=16gb"],
        ),
        (
            {"cpus_per_task": 4, "gpus_per_node": 1, "mem_gb": 1.5, "walltime_min": 1500},
            ["-l select=1:ncpus=4:mem=1536mb:ngpus=1", "-l walltime=25:00:00"],
            ["-l nodes=1:ppn=4:gpus=1,mem=1536mb", "-l walltime=25:00:00"],
        ),
        ({"mem_gb": 2}, ["-l select=1:mem=2gb"], ["-l nodes=1,mem=2gb"]),
        (
            {"nodes": 2, "tasks_per_node": 2, "cpus_per_task": 3, "mem_gb": 4},
            ["-l select=2:ncpus=6:mpiprocs=2:mem=4gb", "-l place=scatter"],
            ["-l nodes=2:ppn=6,mem=8gb"],
        ),
        (
            {"raw": "nodes=1:ppn=4,mem=16gb"},
            ["-l nodes=1:ppn=4,mem=16gb"],
            ["-l nodes=1:ppn=4,mem=16gb"],
        ),
        (
            {"raw": "select=2:ncpus=4:mem=16gb:ngpus=1 walltime=1:00:00"},
            ["-l select=2:ncpus=4:mem=16gb:ngpus=1", "-l walltime=1:00:00"],
            ["-l nodes=2:ppn=4:gpus=1,mem=32gb", "-l walltime=1:00:00"],
        ),
        ({"raw": "-l mem=1gb -q long"}, ["-l mem=1gb -q long"], ["-l mem=1gb -q long"]),
        ({"select": "1:ncpus=4"}, ["-l select=1:ncpus=4"], ["-l nodes=1:ppn=4"]),
        ({"select": "1:ncpus=4:mpiprocs=1"}, ["-l select=1:ncpus=4:mpiprocs=1"], ["-l nodes=1:ppn=4"]),
        (
            {"select": "2:ncpus=4:mpiprocs=2", "nodes": 2, "tasks_per_node": 2, "ranks_by": "mpiexec"},
            ["-l select=2:ncpus=4:mpiprocs=2"],
            ["-l nodes=2:ppn=4"],
        ),
        ({"storage": "scratch/ab1+gdata/ab1"}, ["-l storage=scratch/ab1+gdata/ab1"], None),
        ({"queue": "gpu", "account": "an 'a'"}, ["-q gpu", """-A 'an '"'"'a'"'"''"""], None),
        ({"priority": "-5", "mail_user": "a@b", "mail_type": "ae"}, ["-p -5", "-M a@b", "-m ae"], None),
        ({"depend": "afterany:12.srv"}, ["-W depend=afterany:12.srv"], None),
    ],
)
def test_fields(fields: dict[str, Any], pro: list[str], torque: list[str] | None) -> None:
    assert lines(PRO, **fields) == pro
    assert lines(TORQUE, **fields) == (pro if torque is None else torque)


def test_pbspros_own() -> None:
    assert lines(PRO, project="ab1", place="excl", select="1:ncpus=1+2:ncpus=2") == [
        "-P ab1",
        "-l select=1:ncpus=1+2:ncpus=2",
        "-l place=excl",
    ]
    one_process = "1:ncpus=4:mpiprocs=1:ompthreads=4"
    assert lines(PRO, select=one_process) == [f"-l select={one_process}"]


def test_a_raw_line_stands_where_it_counts() -> None:
    raw = ("-l walltime=5", "#PBS -q other")
    pro = directives(replace(PRO, queue="a", walltime_min=1, directives=raw), "t")
    assert (pro[0], pro[-1]) == ("#PBS -l walltime=5", "#PBS -q other")
    assert directives(replace(TORQUE, directives=raw), "t")[-2:] == ["#PBS -l walltime=5", "#PBS -q other"]


@pytest.mark.parametrize(
    ("resources", "fields"),
    [
        (PRO, {"raw": "select=1:ncpus=4", "cpus_per_task": 2}),
        (PRO, {"raw": "select=1:ncpus=4", "select": "1"}),
        (PRO, {"select": "1:ncpus=4", "mem_gb": 2}),
        (PRO, {"raw": "walltime=1:00:00", "walltime_min": 5}),
        (PRO, {"priority": "high"}),
        (PRO, {"priority": "1024"}),
        (PRO, {"account": "a\nb"}),
        (PRO, {"directives": ("-A a\n-q b",)}),
        (TORQUE, {"project": "ab1"}),
        (TORQUE, {"place": "excl"}),
        (TORQUE, {"select": "1:ncpus=1+2:ncpus=2"}),
        (TORQUE, {"raw": "-l select=1:ncpus=1"}),
        (TORQUE, {"raw": "select=1:ncpus=1:gpu_model=a100"}),
    ],
)
def test_what_cannot_be_said_is_refused(resources: PbsResources, fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as refused:
        directives(replace(resources, **fields), "t")
    assert refused.value.fix


@pytest.mark.parametrize(
    ("fields", "told", "fix"),
    [
        ({"select": "1:ncpus=2:mpiprocs=2"}, "select asks for 2 ", "nodes=1 hydra.launcher.tasks_per_node=2"),
        ({"select": "2:ncpus=1:mpiprocs=1"}, "select asks for 2 ", "nodes=2 hydra.launcher.tasks_per_node=1"),
        ({"select": "2:ncpus=4:mpiprocs=4"}, "select asks for 8 ", "nodes=2 hydra.launcher.tasks_per_node=4"),
        ({"select": "ncpus=1+2:ncpus=4:mpiprocs=4"}, "asks for 9 ", "nodes=1 hydra.launcher.tasks_per_node=9"),
        ({"raw": "select=3:mpiprocs=2 walltime=1:00"}, "resources asks for 6 ", "nodes=3 hydra.launcher.tasks_per_"),
        ({"raw": "-l select=1:mpiprocs=2"}, "resources asks for 2 ", "nodes=1 hydra.launcher.tasks_per_node=2"),
        ({"select": "1:mpiprocs=2", "nodes": 4, "ranks_by": "pbsdsh"}, "your task has 4 ranks", "nodes=1 "),
    ],
)
def test_processes_that_nobody_would_start_are_refused(fields: dict[str, Any], told: str, fix: str) -> None:
    with pytest.raises(ConfigError) as refused:
        directives(replace(PRO, **fields), "t")
    assert told in refused.value.problem
    assert fix in str(refused.value.fix)
    assert ("ranks_by=mpiexec" in str(refused.value.fix)) == ("ranks_by" not in fields)
    if "-l " not in fields.get("raw", ""):
        with pytest.raises(ConfigError, match="MPI processes"):
            directives(replace(TORQUE, **fields), "t")


def written(tmp_path: Path, resources: PbsResources, setup: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a script in bash as a job would be, in an element of an array."""
    cwd = tmp_path / "it's a: dir, é"
    cwd.mkdir()
    text = script_text(
        resources, 'echo "$ID|$INDEX|$RESTART|$VALUE|$PWD|$(umask)"; exec true', token="t", size=3, throttle=None,
        setup=setup, cwd=cwd, env={"VALUE": "a 'b' \"c\" $HOME `id` \\"}, logs=cwd,
    )  # fmt: skip
    (cwd / "job.sh").write_text(text)
    environment = {"PBS_JOBID": "7[2].srv", "PBS_ARRAY_INDEX": "2", "PATH": "/usr/bin:/bin"}
    if resources.flavour == "torque":
        environment = {"PBS_JOBID": "7[2].srv", "PBS_ARRAYID": "2", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        ["bash", str(cwd / "job.sh")], env=environment, capture_output=True, text=True, check=False
    )


def test_a_script_gives_its_command_what_it_was_given(tmp_path: Path) -> None:
    done = written(tmp_path, PRO, ["false", "echo set up ${UNSET}", "ID=site"])
    cwd = tmp_path / "it's a: dir, é"
    assert done.stdout == f"set up\n7[2].srv|2|0|a 'b' \"c\" $HOME `id` \\|{cwd}|0022\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_torques_script_writes_its_own_log(tmp_path: Path) -> None:
    done = written(tmp_path, TORQUE, ["echo set up"])
    log = (tmp_path / "it's a: dir, é" / "t.2.log").read_text()
    assert log.startswith("set up\n7[2].srv|2|0|")
    assert done.stdout == ""


def test_a_script_without_its_directory_fails(tmp_path: Path) -> None:
    text = script_text(PRO, "echo ran", token="t", size=None, throttle=None, setup=[], cwd=tmp_path / "gone")
    done = subprocess.run(
        ["bash", "-c", text], env={"PBS_JOBID": "1"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode != 0, done.stdout) == (True, "")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "each with the site's default walltime"),
        ({"raw": "-l select=1:ncpus=1 -l walltime=1:00:00"}, "your own words"),
        ({"directives": ("-l walltime=1:00:00",)}, "your own words"),
        ({"walltime_min": 10}, "for timeout_min=30"),
    ],
)
def test_a_job_that_gets_more_to_do_says_what_time_it_has(fields: dict[str, Any], told: str) -> None:
    jobs = PbsJobs(Pbs("pbspro", RecordingHost()))
    assert told in jobs.longer(replace(PRO, **fields), 3)[1]
    assert jobs.longer(replace(PRO, **fields), 1) == (replace(PRO, **fields), "")


def test_ranks_get_what_the_set_up_made_and_no_file_has_the_jobs_environment(tmp_path: Path) -> None:
    starter = tmp_path / "starter"
    keep = 'cp -p "$3/environment" "$HOME/kept"'
    starter.write_text(f'#!/bin/sh\n{keep}; for _ in 1 2; do env -i HOME="$HOME" "$@"; done\n')
    starter.chmod(0o755)
    text = script_text(
        replace(PRO, nodes=1, tasks_per_node=2, ranks_by=str(starter)), "sh -c 'echo $HSM_RANK $MADE ${KEY-none}'",
        token="t", size=None, throttle=None, setup=["export MADE='a\nb'"], cwd=tmp_path, starts=tmp_path / "starts",
    )  # fmt: skip
    environment = {"PBS_JOBID": "7.srv", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "KEY": "secret"}
    done = subprocess.run(
        ["bash", "-c", f"umask 002; {text}"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("0 a b none\n1 a b none\n", 0), done.stderr
    kept = tmp_path / "kept"
    assert "secret" not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    run = tmp_path / "starts" / "7.srv.0"
    assert [path.stat().st_mode & 0o777 for path in (run, run.parent)] == [0o700, 0o700]
    assert not (run / "environment").exists()


@pytest.mark.parametrize(
    "fields",
    [{"select": "1\n#PBS -q other"}, {"place": "free\nrm x"}, {"storage": "a\rb"}, {"queue": "a\nb"},
     {"directives": ("-l a=1\n-q b",)}, {"depend": "x\ny"}, {"mail_user": "a\nb"}],
)  # fmt: skip
def test_no_field_can_begin_a_line_of_its_own(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="line break"):
        directives(replace(PRO, **fields), "t")


def test_a_line_end_in_a_path_is_carried_in_one_line(tmp_path: Path) -> None:
    cwd = tmp_path / "a\n#PBS -q other\ntouch pwned\nb"
    cwd.mkdir()
    text = script_text(PRO, "pwd", token="t", size=None, throttle=None, setup=[], cwd=cwd)
    assert not [line for line in text.splitlines() if line.startswith(("touch", "#PBS -q"))]
    done = subprocess.run(["bash", "-c", text], env={"PBS_JOBID": "1"}, capture_output=True, text=True, check=False)
    assert done.stdout == f"{cwd}\n"

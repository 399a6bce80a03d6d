"""Runs Slurm's commands, whatever the user's environment says about their output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hsm_core.hosts.interface import Done, Host

from ..interface import NoAnswer
from .directives import said_in

QUESTION_S = 40.0
#: settings that change what is shown, or which jobs an order is for
_SETTINGS = ("SQUEUE_", "SACCT_", "SCANCEL_", "SCONTROL_", "SACCTMGR_")
_FORMATS = frozenset({"SLURM_TIME_FORMAT", "SLURM_BITSTR_LEN"})
#: settings of sbatch that would make another submission of ours: it must return at once
_NOT_FOR_SBATCH = frozenset({"SBATCH_WAIT", "SBATCH_ARRAY_INX"})
#: what a job's environment says about Slurm that is not about that job
_ABOUT_SLURM = frozenset({"SLURM_CONF", "SLURM_CLUSTERS", "SLURM_JWT", "SLURM_UMASK"})


class Commands:
    """Slurm's commands on a host."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def said(self, argv: Sequence[str], timeout_s: float = QUESTION_S) -> Done:
        """Runs one of Slurm's commands.

        Raises:
            NoAnswer: it can't be started, or did not end in time.
        """
        try:
            done = self.host.run(argv, timeout_s, env=question_environment(self.host.environment))
        except OSError as error:
            raise NoAnswer(f"can't run {argv[0]}", evidence=str(error)) from error
        if done.code is None:
            raise unanswered(done)
        return done

    def answer(self, argv: Sequence[str]) -> str:
        """Returns what a question's command prints.

        Raises:
            NoAnswer: it printed no answer.
        """
        done = self.said(argv)
        if done.code != 0 or "slurm_load_jobs error" in done.err:
            raise unanswered(done)
        return done.out


def unanswered(done: Done) -> NoAnswer:
    return NoAnswer("Slurm did not answer", evidence=done.evidence, fix="scontrol ping")


def question_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the user's environment without variables that change the form or extent of answers."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(_SETTINGS) and name not in _FORMATS
    }
    return kept | {"LC_ALL": "C"}


def sbatch_environment(environment: Mapping[str, str], script: str) -> dict[str, str]:
    """Returns the user's environment; of ``SBATCH_*``, only what the script does not say itself.

    sbatch itself would put them before the script. Within a job, what describes that job is no one's wish
    for another.
    """
    not_for_sbatch = _NOT_FOR_SBATCH | said_in(script)
    inside = "SLURM_JOB_ID" in environment
    return {
        name: value
        for name, value in environment.items()
        if name not in not_for_sbatch and not (inside and _describes_a_job(name))
    }


def _describes_a_job(name: str) -> bool:
    return name.startswith(("SLURM_", "SLURMD_", "SRUN_")) and name not in _ABOUT_SLURM

"""Refuses settings of Hydra that do not exist, and says which were meant, before an app is started with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from hsm_core.errors import BackendError, ConfigError
from hsm_core.overrides import joined, joined_without_secrets, key_of, quoted
from hsm_core.plan.suggest import closest
from hsm_core.schedulers.registry import find_system, own_systems
from hsm_core.store.record import SweepRecord
from hsm_core.store.state.sweep_state import SweepState
from hsm_core.store.tasks import TaskTable


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: The launchers' fields, beside those that only one batch system has.
LAUNCHER = _names("""
    resume retry_failed only_tasks force allow_changed detach dry_run name description tags fail_fast
    max_failure_rate on_interrupt env share python code isolation poll_interval_s task_timeout_min grace_s slots
    tasks_per_gpu walltime timeout_min nodes tasks_per_node cpus_per_task mem_gb gpus_per_node queue partition
    account priority array_parallelism mode max_array_size tasks_per_job mail_user mail_type setup setup_strict
    resources directives submitit_folder use_srun hosts transport host_keys ssh_config path_map
    on_host_lost host_lost_after_s results cleanup sources strategy parallel_limit degraded_after disabled_after
    probe_after_s gpus nice
""")
#: The fields of the sweeper ``hsm``, under which tasks are resumed.
SWEEPER = _names("""
    params grid paired exclude sample sample_seed limit order metric validate max_batch_size name description tags
    dry_run resume
""")
#: Hydra's own sections, and its groups of configs.
SECTIONS = _names("""
    mode searchpath run sweep hydra_logging job_logging sweeper launcher callbacks help hydra_help output_subdir
    aliases overrides job runtime verbose env
""")
GROUPS = _names("""
    callbacks env help hydra_help hydra_logging job_logging launcher output sweeper
""")
#: How alike a key and a launcher's field must be, where the app may have such a key.
_ALIKE = 0.8


def require_settings(state: SweepState, settings: Sequence[str]) -> None:
    """Refuses overrides for a sweep that is resumed, if they can't be settings of Hydra.

    Raises:
        ConfigError: one has no value, is the app's, or names no field; it says which is meant.
    """
    for text in settings:
        if "=" not in text and not text.startswith("~"):
            raise ConfigError(f"--set {text} has no value", instead=(text, f"{text}=VALUE"))
        _require(state, text)


def _require(state: SweepState, text: str) -> None:
    key = key_of(text)
    if key.startswith("hydra/"):
        _require_known(text, "hydra/", GROUPS, "config group")
    elif not key.startswith("hydra."):
        raise _of_no_setting(state, text)
    elif key.startswith("hydra.launcher."):
        _require_known(text, "hydra.launcher.", _launcher_fields(state.record), "field")
    elif key.startswith("hydra.sweeper."):
        _require_known(text, "hydra.sweeper.", SWEEPER, "field")
    elif not text.startswith("+"):
        _require_known(text, "hydra.", SECTIONS, "section")


def _launcher_fields(record: SweepRecord) -> frozenset[str]:
    systems = list(own_systems())
    for source in record.sources:
        try:
            systems += [find_system(source.scheduler)] if source.kind == "queue" else []
        except BackendError:
            continue
    return LAUNCHER.union(*(system.fields for system in systems))


def _require_known(text: str, head: str, known: Iterable[str], what: str) -> None:
    typed = key_of(text).removeprefix(head).partition(".")[0]
    if typed in known:
        return
    problem = f"{head.rstrip('./')} has no {what} '{typed}'"
    if head == "hydra." and typed in LAUNCHER:
        raise ConfigError(problem, instead=(text, text.replace(f"hydra.{typed}", f"hydra.launcher.{typed}", 1)))
    meant = closest(typed, sorted(known))
    if meant:
        raise ConfigError(problem, instead=(text, text.replace(f"{head}{typed}", f"{head}{meant}", 1)))
    raise ConfigError(problem, evidence=f"there are: {', '.join(sorted(known))}", instead=("", "--help"))


def _of_no_setting(state: SweepState, text: str) -> ConfigError:
    """Returns the error for a key that is not Hydra's: a launcher's field without its head, or the app's own."""
    key, value = key_of(text), text.partition("=")[2]
    last = key.rpartition(".")[2]
    fields = _launcher_fields(state.record)
    if key not in _keys_of_tasks(state):
        alike = [last] if last in fields else get_close_matches(last, sorted(fields), 1, _ALIKE)
        if alike:
            meant = f"hydra.launcher.{alike[0]}={value}"
            return ConfigError(f"--set {text}: '{key}' is not a setting of Hydra", instead=(text, meant))
        told = f"'{key}' is not a setting of Hydra, and a task's own overrides can't change"
        return ConfigError(f"--set {text}: {told}", fix=_all_fields(state.record))
    return ConfigError(f"--set {text}: a task's own overrides can't change", fix=_new_sweep(state.record, text))


def _keys_of_tasks(state: SweepState) -> set[str]:
    first = TaskTable(state.paths)[0].overrides if state.total else ()
    return {key_of(text) for text in (*first, *state.record.overrides.get("task", ()))}


def _new_sweep(record: SweepRecord, text: str) -> str:
    """Returns the line that starts a new sweep with another value; empty without a command line."""
    if not record.command:
        return ""
    others = [word for word in record.command if "=" not in word or key_of(word) != key_of(text)]
    same = [word for word in record.command if word not in others]
    added = same[0][: len(same[0]) - len(same[0].lstrip("+"))] if same else ""
    line = joined_without_secrets([*others, added + text.lstrip("+")])
    return f"cd {quoted(record.cwd)} && {line}    # a new sweep"


def _all_fields(record: SweepRecord) -> str:
    """Returns the line that shows the launcher's fields; empty without a command line."""
    words = record.command_with([f"hydra/launcher={record.launcher}", "--cfg", "hydra", "-p", "hydra.launcher"])
    return f"cd {quoted(record.cwd)} && {joined(words)}    # the launcher's fields" if words else ""

"""Where the tasks of a sweep go that has several sources: each is as if it were the only one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from hsm_core.errors import BackendError, ConfigError
from hsm_core.hosts.interface import Patience
from hsm_core.overrides import quoted
from hsm_core.settings import LauncherSettings
from hsm_core.sources.interface import Source
from hsm_core.sources.registry import queue_at
from hsm_core.store.layout import SweepPaths
from hsm_core.store.record import SourceRecord

from ...faults import Faults
from ...plain import flow, typed_overrides
from ..destination import Destination
from ..fields.recorded import defaults
from ..fields.references import OF_SEVERAL
from ..fields.settings import known_values, launcher_settings
from ..hpc import hpc_place
from .entries import SourceEntry, read_sources

#: What says of each source that it is one of several, where it is made as if it were the only one.
_UNSAID = {name: defaults()[name] for name in OF_SEVERAL}
#: The place of the launcher that has several.
SEVERAL = "sources"


class Destinations:
    """All sources of one sweep; see ``Destination``, which each of them is.

    Raises:
        ConfigError, BackendError: a field means nothing, or there is no such source.
    """

    system = None

    def __init__(self, fields: Mapping[str, object], config: DictConfig, loader: ConfigLoader) -> None:
        values = known_values(fields, None, typed_overrides(config, "hydra"))
        self.settings = launcher_settings(values, None)
        self.patience = Patience()
        _require_watched(self.settings)
        faults, self._members = Faults(), list[Destination]()
        self._entries = read_sources(self.settings.several.sources)
        for entry in self._entries:
            with faults.gathered():
                self._members.append(_made(entry, fields, config, loader, self.patience))
        faults.raise_all()

    def compose_with(self, tasks_config: DictConfig) -> None:
        """See ``Destination``, as for all that follows."""
        for member in self._members:
            member.compose_with(tasks_config)

    @property
    def records(self) -> tuple[SourceRecord, ...]:
        return tuple(record for member in self._members for record in member.records)

    @property
    def is_elsewhere(self) -> bool:
        return any(member.is_elsewhere for member in self._members)

    def check(self, paths: SweepPaths, code_root: Callable[[], str] | None) -> None:
        faults = Faults()
        for entry, member in zip(self._entries, self._members, strict=True):
            with faults.gathered():
                try:
                    member.check(paths, code_root)
                except BackendError as error:
                    raise self._without(entry, error) from error
        faults.raise_all()

    def _without(self, entry: SourceEntry, error: BackendError) -> BackendError:
        """The error of one source, which need not be there."""
        others = ",".join(flow(one) for one in self.settings.several.sources if one != entry.written)
        if not others:
            return error
        fix = f"{quoted(f'hydra.launcher.sources=[{others}]')}    # without {entry.name}"
        return type(error)(f"{entry.name}: {error.problem}", evidence=error.evidence, fix=fix)

    def check_tasks(self, tasks: Sequence[Sequence[str]], first: int) -> None:
        for member in self._members:
            member.check_tasks(tasks, first)

    def sources(self, paths: SweepPaths) -> Sequence[Source]:
        return [source for member in self._members for source in member.sources(paths)]

    def preview(self, paths: SweepPaths, tasks: Sequence[Sequence[str]], first: int) -> list[str]:
        """Returns what each of them would be given if it were to run all: who takes which is seen while they run."""
        strategy = self.settings.several.strategy
        told = f"{len(self._members)} sources, strategy {strategy}: each as if it took all of the tasks"
        found = [*filter(None, [self.ignored()]), told]
        for entry, member in zip(self._entries, self._members, strict=True):
            found += ["", f"# {entry.name}", *member.preview_quietly(paths, tasks, first)]
        return found

    def ignored(self) -> str:
        """Returns a line on the fields that mean nothing to any source, or were set for one alone in vain."""
        told = [member.ignored_fields() for member in self._members]
        counts = Counter(name for names in told for name in set(names))
        for_all = [name for name in told[0] if counts[name] == len(told)]
        for_one = [
            f"{name} of {entry.name}"
            for entry, names in zip(self._entries, told, strict=True)
            for name in names if name in entry.fields and name not in for_all
        ]  # fmt: skip
        found = [*for_all, *for_one]
        return f"this launcher ignores {', '.join(found)}" if found else ""


def destination_of(
    place: str, fields: Mapping[str, object], config: DictConfig, loader: ConfigLoader
) -> Destination | Destinations:
    """Returns where a launcher's tasks go.

    Args:
        place: as the launcher's class says it; the others as of ``Destination``.

    Raises:
        ConfigError, BackendError: a field means nothing, or there is no such source.
    """
    if place == SEVERAL:
        return Destinations(fields, config, loader)
    return Destination(place, fields, config, loader)


def _made(
    entry: SourceEntry, fields: Mapping[str, object], config: DictConfig, loader: ConfigLoader, patience: Patience
) -> Destination:
    place = hpc_place() if entry.place == "hpc" else entry.place
    own = {**entry.fields, **_as_fields(entry, place, {**fields, **entry.fields})}
    name = place if entry.name == "hpc" else entry.name
    return Destination(place, {**fields, **own}, config, loader, patience, own=own, source=name)


def _as_fields(entry: SourceEntry, place: str, fields: Mapping[str, object]) -> dict[str, object]:
    """Returns the launcher's fields that say where one source is and how much it takes at once."""
    ours: dict[str, object] = {**_UNSAID, "hosts": []}
    if place == "ssh":
        slots = {} if entry.at_most is None else {"slots": entry.at_most}
        return {**ours, "hosts": [{**entry.host, **slots}]}
    if entry.at_most is None:
        return ours
    if queue_at(place) is None:
        return {**ours, "slots": entry.at_most}
    slots_of_job = min(_whole(fields.get("slots")), _whole(fields.get("tasks_per_job")))
    return {**ours, "array_parallelism": max(1, entry.at_most // slots_of_job)}


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 1


def _require_watched(settings: LauncherSettings) -> None:
    if settings.detach and settings.several.parallel_limit is not None:
        raise ConfigError(
            "a detached launcher can't limit how many tasks run at once over all sources",
            fix="hydra.launcher.parallel_limit=null    # each source has its own number: slurm:16",
        )


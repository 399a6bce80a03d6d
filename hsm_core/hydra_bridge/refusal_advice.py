"""Advises a user for whom Hydra does not compose a sweep: which word or line to change, and to what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from hydra import __version__
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from hsm_core.errors import ConfigError, ConfigErrors
from hsm_core.overrides import key_of, quoted
from hsm_core.plan.suggest import closest

from .error_display import refuse
from .faulty_file import of_another_shape
from .launcher.fields.declared import LauncherConf
from .sweeper.fields import SweeperConf
from .sweeper_hint import chosen_by, directories, overridden, sweeps
from .swept_settings import swept_settings

_NO_CHOICE = re.compile(r"Could not find 'hydra/(launcher|sweeper)/([^']+)'")
_NO_FILE = re.compile(r"Could not (?:find|load) '([^']+)/([^'/]+)'")
_NO_FIELD = re.compile(r"full_key: hydra\.(launcher|sweeper)\.(\w+)")
_FILE = re.compile(r"In '([^']+)': ")
_MERGE = re.compile(r"Cannot merge (?:DictConfig with ListConfig|ListConfig with DictConfig|incompatible container)")
_KEY = re.compile(r"Key '\w+' (?:is )?not in '\w+'")
#: omegaconf's words about a value, and whose field it was for.
_VALUE = re.compile(r"^(.+)\n\s*full_key: .+\n\s*object_type=(\w+)$", re.MULTILINE)
_IN_GROUP = re.compile(r"[+]*(hydra\.sweeper\.(?:grid|paired\.[^.=]+))\.([^=]+\.[^=]+)=(.+)")
#: Of a field's type, our words and an example.
_TYPES = {
    "int": ("a whole number", "1"), "float": ("a number", "1.5"), "bool": ("true or false", "true"),
    "str": ("text", "TEXT"), "list[str]": ("a list", "[A,B]"), "dict[str, str]": ("a mapping", "{NAME:VALUE}"),
    "dict[str, Any]": ("a mapping", "{KEY:VALUE}"),
}  # fmt: skip
_TAKEN = {"launcher": LauncherConf.__annotations__, "sweeper": SweeperConf.__annotations__}
_FIELDS = {
    kind: [name for name in vars(conf)["__dataclass_fields__"] if name[0] != "_"]
    for kind, conf in {"launcher": LauncherConf, "sweeper": SweeperConf}.items()
}
_OURS = {"launcher": "hsm_local", "sweeper": "hsm"}
_NEEDED = {"launcher": "an hsm launcher", "sweeper": "the sweeper hsm"}


def told(
    error: Exception, loader: ConfigLoader, config_name: str | None, overrides: Sequence[str]
) -> ConfigError | None:
    """Returns our words for what Hydra refused; None if that does not concern hsm.

    Args:
        error: Hydra's or omegaconf's.
        loader: of this run.
        config_name: of the primary config.
        overrides: of the command line.
    """
    text = f"{error}\n{error.__cause__ or ''}"
    field = _NO_FIELD.search(text)
    if _MERGE.search(text):
        return _of_type(field, overrides) if field else of_another_shape(_FILE.search(text), loader, _TAKEN)
    if "Sweeping over Hydra's configuration" in text:
        faults = [str(ConfigError(problem, fix=fix)) for problem, fix in swept_settings(overrides)]
        return ConfigErrors("\nerror: ".join(faults)) if faults else None
    if isinstance(error, ValueError):  # omegaconf's, of a list that is taken for the parent of a dotted key
        return _below_a_list(overrides)
    missing = _NO_CHOICE.search(text)
    if missing:
        return _no_choice(missing[1], missing[2], loader, overrides)
    if no_file := _NO_FILE.search(text):
        return _no_sweep_file(no_file[1], no_file[2], loader, overrides)
    if field is None:
        return None
    kind, name = field[1], field[2]
    seen = _KEY.search(text)
    if seen is None:
        return _wrong_value(kind, name, text, overrides)
    is_basic = "not in 'Basic" in text
    meant = name if name in _FIELDS[kind] else closest(name, _FIELDS[kind]) if is_basic else None
    if meant is None:
        return None
    because = seen[0]
    typed = _typed(overrides, f"hydra.{kind}.{name}")
    if typed:
        return _field_typed(kind, name, meant, typed, because, _launcher(loader, config_name, overrides))
    return _field_in_file(kind, name, _FILE.search(text), because, loader, config_name, overrides)


def _below_a_list(overrides: Sequence[str]) -> ConfigError | None:
    """Returns ``paired.points.data.noise=…``, where ``data`` has a list of its own in the group."""
    for word in overrides:
        found = _IN_GROUP.fullmatch(word)
        if found:
            name, key, value = found.groups()
            problem = f"Hydra reads {name}.{key} as a key of the list '{key.rpartition('.')[0]}'"
            return ConfigError(problem, fix=quoted(f"{name}={{{key}: {value}}}"))
    return None


def refuse_added(config: DictConfig, overrides: Sequence[str]) -> None:
    """Refuses fields of ours that ``+`` gave to Hydra's own launcher or sweeper, which would fail on them.

    Args:
        config: of this run.

    Raises:
        SystemExit, ConfigError: as ``shown.refuse``.
    """
    choices = config.hydra.runtime.choices
    for kind, ours in _FIELDS.items():
        for name in ours if choices.get(f"hydra/{kind}") == "basic" else ():
            typed = _typed([word for word in overrides if word.startswith("+")], f"hydra.{kind}.{name}")
            if typed and not (kind == "sweeper" and name == "params"):
                refuse(_field_typed(kind, name, name, typed, "", str(choices.get("hydra/launcher"))))


def _no_choice(kind: str, name: str, loader: ConfigLoader, overrides: Sequence[str]) -> ConfigError | None:
    options = loader.get_group_options(f"hydra/{kind}")
    guess = closest(name, options)
    if guess is None or not guess.startswith("hsm"):
        return None
    fix = f"hydra/{kind}={guess}"
    if not _typed(overrides, f"hydra/{kind}"):
        fix = f"- override /hydra/{kind}: {guess}    # in the file's defaults list"
    return ConfigError(
        f"there is no {kind} '{name}'", evidence=f"hydra/{kind} has {', '.join(options)}", fix=fix
    )


def _no_sweep_file(group: str, name: str, loader: ConfigLoader, overrides: Sequence[str]) -> ConfigError | None:
    """Returns the error for a sweep file that does not exist; None if the group has none, or no name is like it."""
    options = loader.get_group_options(group)
    guess = closest(name, options)
    typed = next((word for word in overrides if key_of(word) == group), "")
    if guess is None or not typed or not any(chosen_by(file) == "hsm" for file in _files(loader, group, options)):
        return None
    problem, evidence = f"there is no {group}/{name}.yaml", f"{group} has {', '.join(options)}"
    return ConfigError(problem, evidence=evidence, fix=quoted(typed.replace(name, guess, 1)))


def _wrong_value(kind: str, name: str, text: str, overrides: Sequence[str]) -> ConfigError | None:
    """Returns the error for a field of ours with a value of another type; None if the field is not ours."""
    found = _VALUE.search(text)
    confs: tuple[type, ...] = (LauncherConf, *LauncherConf.__subclasses__(), SweeperConf)  # other packages', too
    conf = next((one for one in confs if found and one.__name__ == found[2]), None)
    taken = {**_TAKEN[kind], **vars(conf).get("__annotations__", {})}.get(name) if conf else None
    if found is None or taken is None:
        return None
    bare, _, _ = taken.partition(" | ")
    words, example = _TYPES.get(bare, (bare, "…"))
    meant = words + (", or null" if taken.endswith("None") else "")
    typed, file = _typed(overrides, f"hydra.{kind}.{name}"), _FILE.search(text)
    where = f"{file[1]}.yaml: " if file and not typed else ""
    return ConfigError(
        f"{where}{typed or f'hydra.{kind}.{name}'} must be {meant}", evidence=found[1],
        fix=quoted(f"hydra.{kind}.{name}={example}"),
    )  # fmt: skip


def _of_type(field: re.Match[str], overrides: Sequence[str]) -> ConfigError | None:
    """Returns the error for a list that was typed where a mapping must stand, or the reverse."""
    taken = _TAKEN[field[1]].get(field[2], "").partition(" | ")[0]
    typed = _typed(overrides, f"hydra.{field[1]}.{field[2]}")
    words, example = _TYPES.get(taken, ("", ""))
    if not (typed and words):
        return None
    return ConfigError(f"{typed} must be {words}", fix=quoted(f"hydra.{field[1]}.{field[2]}={example}"))


def _field_typed(kind: str, name: str, meant: str, typed: str, because: str, launcher: str) -> ConfigError:
    value = typed.partition("=")[2]
    if kind == "sweeper" and meant in _FIELDS["launcher"] and launcher.startswith("hsm_"):
        fix = quoted(f"hydra.launcher.{meant}={value}")
    else:
        rest = f" {quoted(typed.replace(name, meant, 1))}" if name != meant else ""
        fix = f"hydra/{kind}={_OURS[kind]}{rest}{_others(kind, '    # ')}"
    if name != meant:
        return ConfigError(f"this {kind} has no field '{name}'", evidence=because, fix=fix)
    return ConfigError(f"hydra.{kind}.{name} needs {_NEEDED[kind]}", evidence=because, fix=fix)


def _field_in_file(
    kind: str, name: str, found: re.Match[str] | None, because: str, loader: ConfigLoader, config_name: str | None,
    overrides: Sequence[str],
) -> ConfigError:  # fmt: skip
    if kind == "sweeper":
        wins = not __version__.startswith("1.3")
        own = [entry.path for entry in loader.get_search_path().get_path() if entry.provider == "main"]
        loser = overridden(own, ["-m", *overrides], config_name, added_wins=wins)
        if loser is not None:
            return ConfigError(loser.problem, evidence=because, fix=loser.fix)
    where = f"{found[1]}.yaml" if found else "the config"
    other = _typed(overrides, f"hydra/{kind}")
    fix = f"- override /hydra/{kind}: {_OURS[kind]}    # in the defaults list of {where}{_others(kind, ', ')}"
    if other:
        fix = f"hydra/{kind}={_OURS[kind]}    # instead of {other}"
    return ConfigError(
        f"{where} sets hydra.{kind}.{name}, which needs {_NEEDED[kind]}", evidence=because, fix=fix
    )


def _others(kind: str, mark: str) -> str:
    return f"{mark}or hsm_slurm, hsm_pbs, hsm_hpc" if kind == "launcher" else ""


def _typed(overrides: Sequence[str], key: str) -> str:
    """Returns the override of the command line for ``key`` or something below it; empty if there is none."""
    for word in overrides:
        typed = key_of(word)
        if typed == key or typed.startswith(f"{key}."):
            return word.lstrip("+")
    return ""


def _launcher(loader: ConfigLoader, config_name: str | None, overrides: Sequence[str]) -> str:
    """Returns the launcher that the rest of the command line chooses; empty if that can't be composed either."""
    rest = [word for word in overrides if not key_of(word).startswith(("hydra.sweeper.", "hydra.launcher."))]
    try:
        config = loader.load_configuration(config_name, rest, RunMode.MULTIRUN)
        return str(config.hydra.runtime.choices.get("hydra/launcher"))
    except (HydraException, OmegaConfBaseException):
        return ""


def refuse_swept_files(loader: ConfigLoader, config_name: str | None, overrides: Sequence[str]) -> None:
    """Refuses ``+sweep=a,b`` if these are sweep files: each would be one task that ignores what it sweeps.

    So would be a launcher that they choose and the sweep does not.

    Args:
        loader, config_name, overrides: as for ``told``.

    Raises:
        SystemExit, ConfigError: as ``shown.refuse``.
    """
    for word in overrides:
        override = _parsed(word)
        if override is None or not override.is_discrete_sweep() or override.is_hydra_override():
            continue
        options = loader.get_group_options(override.key_or_group)
        names = list(dict.fromkeys(_names(override, options))) if options else []
        files = list(_files(loader, override.key_or_group, names))
        for file in filter(sweeps, files):
            listed = quoted(f"{override.get_key_element()}=[{','.join(names)}]")
            _refuse_swept(word, "its sweep is ignored", file, "sweeper: hsm", f"{listed}    # one sweep of all")
        for file in files:
            launcher = chosen_by(file, "launcher") or ""
            others = [one for one in overrides if one is not word]
            if launcher.startswith("hsm_") and _launcher(loader, config_name, others) not in ("", launcher):
                fix = f"hydra/launcher={launcher}"
                _refuse_swept(word, "a task can't choose the launcher", file, f"launcher: {launcher}", fix)


def _refuse_swept(word: str, why: str, file: Path, choice: str, fix: str) -> None:
    problem = f"{word} runs each file as one task, and {why}"
    refuse(ConfigError(problem, evidence=f"{file} has 'override hydra/{choice}'", fix=fix))


def _parsed(word: str) -> Override | None:
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        return None


def _names(override: Override, options: Sequence[str]) -> Iterator[str]:
    """Yields the options that a sweep chooses, those in lists too."""
    value = override.value()
    chosen = value.filter(list(options)) if isinstance(value, Glob) else override.sweep_iterator()
    for one in chosen:
        yield from map(str, one if isinstance(one, list) else [one])


def _files(loader: ConfigLoader, group: str, names: Sequence[str]) -> Iterator[Path]:
    places = [
        entry.path
        for entry in loader.get_search_path().get_path()
        if entry.provider not in ("hydra", "schema")
    ]
    for root in directories(places):
        yield from (root / group / f"{name.removesuffix('.yaml')}.yaml" for name in names)

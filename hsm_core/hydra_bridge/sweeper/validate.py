"""Composes enough tasks before anything starts that a mistyped key or choice is found now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from hsm_core.errors import ConfigError
from hsm_core.overrides import key_of, quoted
from hsm_core.plan.axis import Axis, Row
from hsm_core.plan.cover import cover
from hsm_core.plan.plan import Plan
from hsm_core.plan.suggest import closest

from ..fast.group_cache import Skeletons
from ..faults import Faults
from ..plain import typed_overrides
from .base_config import config_groups, config_keys, options, select
from .grammar import Grammar

#: Tasks that fail to compose before a user has enough to mend.
_ENOUGH = 20
_REFERRED = re.compile(r"Interpolation key '([^']+)'")


class Validator:
    """Composes tasks as a launcher would, and explains what goes wrong.

    Args:
        loader: Hydra's config loader.
        master: the config of the sweep.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig, grammar: Grammar) -> None:
        self.loader, self.master, self.grammar = loader, master, grammar
        self._skeletons = Skeletons(loader, master)
        self._told: set[str] = set()

    def check(self, plan: Plan, how: str, faults: Faults) -> int:
        """Composes ``cover`` tasks, ``all`` or ``none``; adds a fault, with a suggestion, for each that fails.

        Returns:
            how many tasks were to be composed.
        """
        tasks: Sequence[Sequence[str]] = ()
        if how != "none":
            tasks = plan if how == "all" else cover(plan, self.is_group)
        failed = 0
        for task in tasks:
            try:
                self._skeletons.expect(task)
                config = self._skeletons.compose(task)
            except (HydraException, OmegaConfBaseException) as error:
                self._explain(task, error, faults)
                failed += 1
                if failed == _ENOUGH:
                    break
                continue
            with faults.gathered():
                self._check_references(task, config)
        return len(tasks)

    def _check_references(self, task: Sequence[str], config: DictConfig) -> None:
        """Refuses a swept value that refers to a key which no choice of the task's groups has."""
        for text in task:
            key = self.grammar.parse(text).key_or_group
            if "${" not in text or self.is_group(key):
                continue
            try:
                OmegaConf.select(config, key)
            except InterpolationKeyError as error:
                found = _REFERRED.search(str(error))
                wanted = found[1] if found else ""
                if self._choice_with(wanted, self._choices(task)):
                    continue
                guess = closest(wanted, config_keys(config))
                raise ConfigError(
                    f"{text}: the reference points to nothing",
                    evidence=_first_lines(error).partition("\n")[0],
                    fix=f"${{{guess}}}    # instead of ${{{wanted}}}" if guess else "",
                ) from error

    def variants(self, axes: Sequence[Axis]) -> Iterator[tuple[Row, DictConfig]]:
        """Yields the config with each choice of each swept config group, one at a time."""
        fixed = [text for axis in axes if len(axis) == 1 for text in axis.rows[0]]
        for axis in axes:
            if any(map(self.is_group, axis.keys)):
                for row in axis.rows:
                    try:
                        yield row, self.loader.load_sweep_config(self.master, [*fixed, *row])
                    except (HydraException, OmegaConfBaseException):
                        continue  # a choice that needs company is checked with the tasks it is in

    def is_group(self, key: str) -> bool:
        """Returns whether this key of an override chooses from a config group."""
        return bool(options(self.loader, key_of(key).partition("@")[0]))

    def _explain(self, task: Sequence[str], error: Exception, faults: Faults) -> None:
        """Adds what is wrong with each override; reports other values of the same key only once."""
        is_explained = False
        for text in task:
            problem, fix = self._blame(self.grammar.parse(text), task)
            is_explained |= bool(problem)
            if problem and problem not in self._told:
                self._told.add(problem)
                faults.add(ConfigError(f"{text}: {problem}", fix=fix))
        if not is_explained:
            problem = f"can't compose a task: {' '.join(task) or '(no overrides)'}"
            faults.add(ConfigError(problem, evidence=_first_lines(error)))

    def _blame(self, override: Override, task: Sequence[str]) -> tuple[str, str]:
        """Returns what is wrong with an override and what to type instead; two empty texts if nothing is."""
        key, choices = override.key_or_group, options(self.loader, override.key_or_group)
        if choices:
            return self._wrong_choice(override, choices)
        if override.is_add() or override.is_force_add():
            return "", ""
        config = self._without_values(task)
        try:
            select(config, key)
        except KeyError:
            return self._no_such_key(override, task, config)
        except ConfigError:
            return "", ""
        return "", ""

    def _no_such_key(self, override: Override, task: Sequence[str], config: DictConfig) -> tuple[str, str]:
        key, chosen = override.key_or_group, self._choices(task)
        typed = typed_overrides(self.master, "task")
        elsewhere = self._choice_with(key, chosen)
        if elsewhere:
            own = " ".join(text for text in chosen if text not in typed or not text.startswith("+"))
            added = quoted(f"++{override.input_line}")
            fix = f"{added}    # adds the key; or exclude such tasks with hydra.sweeper.exclude"
            return f"no key '{key}' with {own}; {elsewhere} has it", fix
        known = [*config_keys(config), *config_groups(self.loader)]
        guess = closest(key, known)
        is_another = guess is not None and not key.startswith(f"{guess}.")
        meant = self._typed(override, key, str(guess)) if is_another else ""
        added = quoted(f"+{override.input_line}")
        return f"no such key or config group: '{key}'", meant or f"{added}    # adds the key"

    def _typed(self, override: Override, wrong: str, right: str) -> str:
        """Returns the word of the command line with what was meant; for one of a file, what to write there."""
        key = override.get_key_element()
        words = [word for word in typed_overrides(self.master, "task") if key_of(word) == key_of(key)]
        if words and wrong in words[-1]:
            return quoted(words[-1].replace(wrong, right, 1))
        return f"{right}    # instead of {wrong}"

    def _wrong_choice(self, override: Override, choices: Sequence[str]) -> tuple[str, str]:
        value = override.value()
        wrong = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
        for one in wrong:
            if one not in choices:
                guess = closest(one, choices)
                fix = self._typed(override, one, guess) if guess else f"choices: {', '.join(choices)}"
                return f"'{override.key_or_group}' has no choice '{one}'", fix
        return "", ""

    def _choices(self, task: Sequence[str]) -> list[str]:
        """Returns the task's choices of config groups."""
        return [text for text in task if self.is_group(self.grammar.parse(text).key_or_group)]

    def _choice_with(self, key: str, chosen: Sequence[str]) -> str | None:
        """Returns another choice of a chosen group that has ``key``."""
        for place, text in enumerate(chosen):
            override = self.grammar.parse(text)
            group = override.get_key_element()
            found = () if override.is_add() else options(self.loader, override.key_or_group)
            for other in (f"{group}={option}" for option in found):
                if other != text and self._has(key, [*chosen[:place], other, *chosen[place + 1 :]]):
                    return other
        return None

    def _has(self, key: str, choices: Sequence[str]) -> bool:
        try:
            select(self.loader.load_sweep_config(self.master, list(choices)), key)
        except (HydraException, OmegaConfBaseException, KeyError, ConfigError):
            return False
        return True

    def _without_values(self, task: Sequence[str]) -> DictConfig:
        """Returns the config with the task's choices of groups, but not its values."""
        try:
            return self.loader.load_sweep_config(self.master, self._choices(task))
        except (HydraException, OmegaConfBaseException):
            return self.master


def _first_lines(error: BaseException) -> str:
    lines = [line for line in f"{error}".splitlines() if line.strip()]
    cause = error.__cause__
    if cause is not None:
        lines += [line for line in f"{cause}".splitlines() if line.strip()][:1]
    return "\n    ".join(lines[:6]) or type(error).__name__

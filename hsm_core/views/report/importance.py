"""Estimates how much of a metric's variance each parameter explains by itself."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

from hsm_core.results.metrics import is_finite
from hsm_core.results.parameters import varying
from hsm_core.results.rows import Row

#: Numbers with more values than this are put into so many bins of equal counts.
_BINS = 8
#: Tasks a parameter below which the figures are little more than chance.
_ENOUGH = 10


@dataclass(frozen=True)
class Importance:
    """The shares of a metric's variance.

    Args:
        shares: of each parameter's main effect, the largest first.
        unexplained: the rest: interactions, noise, and what was not varied.
        tasks: how many have the metric.
        warning: why the figures are not to be trusted; empty: nothing speaks against them.
        ped_anova: Optuna's own estimate, where it is installed; it looks at the best tasks alone.
    """

    shares: tuple[tuple[str, float], ...]
    unexplained: float
    tasks: int
    warning: str = ""
    ped_anova: tuple[tuple[str, float], ...] = ()


def importance(rows: Sequence[Row], metric: str, *, smaller_is_better: bool = True) -> Importance:
    """Returns ω² of each parameter: its main effect's share of the variance, less what chance alone would give.

    Hays, Statistics for Psychologists (1963): ω² = (SSb - dfb·MSw) / (SSt + MSw). Shares that add up to more
    than 1, as where parameters were varied together, are scaled to 1.
    """
    found = [row for row in rows if is_finite(row.metrics.get(metric))]
    values = [_number(row.metrics[metric]) for row in found]
    names = varying(row.parameters for row in found)
    shares = {name: _omega([row.parameters.get(name) for row in found], values) for name in names}
    total = sum(shares.values())
    if total > 1:
        shares = {name: share / total for name, share in shares.items()}
    ordered = tuple(sorted(shares.items(), key=lambda item: -item[1]))
    other = _ped_anova(found, values, names, smaller_is_better=smaller_is_better)
    return Importance(
        ordered, max(0.0, 1 - sum(shares.values())), len(found), _warning(found, names, total), other
    )


def _warning(found: Sequence[Row], names: Sequence[str], total: float) -> str:
    if not names:
        return "no parameter varies among the tasks that have the metric"
    if len(found) < _ENOUGH * len(names):
        return (
            f"{len(found)} tasks for {len(names)} parameters: too few to trust these figures, "
            f"which need about {_ENOUGH * len(names)}"
        )
    return "parameters were varied together: their effects can't be told apart" if total > 1.001 else ""


def _omega(levels: Sequence[object], values: Sequence[float]) -> float:
    groups: dict[object, list[float]] = {}
    for level, value in zip(_binned(levels), values, strict=True):
        groups.setdefault(level, []).append(value)
    count, between = len(values), len(groups) - 1
    mean = math.fsum(values) / count
    whole = math.fsum((value - mean) ** 2 for value in values)
    if between < 1 or count <= len(groups) or not math.isfinite(whole) or whole <= 0:
        return 0.0
    explained = math.fsum(
        len(group) * (math.fsum(group) / len(group) - mean) ** 2 for group in groups.values()
    )
    noise = max(0.0, whole - explained) / (count - len(groups))
    return min(1.0, max(0.0, (explained - between * noise) / (whole + noise)))


def _binned(levels: Sequence[object]) -> list[object]:
    """Returns values that can be grouped: words as they are, many numbers in bins of about equal counts."""
    numbers = [level for level in levels if is_finite(level) and not isinstance(level, bool)]
    if len(numbers) < len(levels) or len(set(map(_number, numbers))) <= _BINS:
        return [repr(level) for level in levels]
    ordered = sorted(map(_number, numbers))
    edges = sorted({ordered[len(ordered) * place // _BINS] for place in range(1, _BINS)})
    return [sum(_number(level) >= edge for edge in edges) for level in levels]


def _number(value: object) -> float:
    assert isinstance(value, (int, float))
    try:
        return float(value)
    except OverflowError:  # an integer of more than 308 digits
        return math.inf


def _ped_anova(
    found: Sequence[Row], values: Sequence[float], names: Sequence[str], *, smaller_is_better: bool
) -> tuple[tuple[str, float], ...]:
    """Returns Optuna's estimate; nothing where it is not installed, or has too little to go by."""
    if len(found) < _ENOUGH or not names:
        return ()
    if not _has_ped_anova():
        return ()
    optuna = importlib.import_module("optuna")
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    choices = {name: sorted({repr(row.parameters.get(name)) for row in found}) for name in names}
    kinds = {name: optuna.distributions.CategoricalDistribution(choices[name]) for name in names}
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(direction="minimize" if smaller_is_better else "maximize")
        study.add_trials([
            optuna.trial.create_trial(params=_words(row.parameters, names), distributions=kinds, value=value)
            for row, value in zip(found, values, strict=True)
        ])  # fmt: skip
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (ValueError, RuntimeError):  # such as too few trials among the best
        return ()
    finally:
        optuna.logging.set_verbosity(verbosity)
    return tuple((name, float(share)) for name, share in shares.items() if math.isfinite(share))


def _has_ped_anova() -> bool:
    """Returns whether Optuna is installed and has it; an old one is not even imported."""
    try:
        major, minor = map(int, metadata.version("optuna").split(".")[:2])
    except (metadata.PackageNotFoundError, ValueError):
        return False
    return (major, minor) >= (3, 6)


def _words(parameters: Mapping[str, object], names: Sequence[str]) -> dict[str, str]:
    return {name: repr(parameters.get(name)) for name in names}

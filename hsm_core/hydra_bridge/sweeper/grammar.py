"""Reads axes in Hydra's own sweep grammar, and the named ``zip(...)`` that Hydra has proposed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType, QuotedString, RangeSweep, Transformer
from hydra.errors import HydraException

from hsm_core.errors import ConfigError
from hsm_core.overrides import hydra_text, key_of, quoted
from hsm_core.plan.axis import Axis, counting, single, together
from hsm_core.plan.suggest import closest

from ..value_text import value_text

_ZIP = re.compile(r"\s*zip\s*\((?P<members>.*)\)\s*", re.DOTALL)
_BEGINS_ZIP = re.compile(r"\s*zip\s*\(")
_ZIP_FORM = "zip(model=choice(cnn,vit),lr=choice(0.1,0.01))"
_EVALUATING = re.compile(r"^HydraException while evaluating '.*?': ")
#: How lines begin that say what was parsed, and where Hydra has more.
_OF_NO_USE = ("See ", "Error parsing", "Error when parsing index")
_CALL = re.compile(r"(\w+)\(")
_ODD_IN_KEYS = re.compile(r"[^\w./@:+~-]")
_FUNCTIONS = ("choice", "range", "glob", "interval", "shuffle", "sort", "tag", "int", "float", "str", "bool")
_FORMS = "a,b    # or range(0,5), choice(a,b), glob(*)"
_OPENING, _CLOSING = "([{", ")]}"


class Grammar:
    """Hydra's override parser; parses the same text only once."""

    def __init__(self, config_loader: ConfigLoader) -> None:
        self._loader = config_loader
        self._parser = OverridesParser.create(config_loader=config_loader)
        self._parsed: dict[str, Override] = {}

    def parse(self, text: str) -> Override:
        """Parses an override.

        Raises:
            ConfigError: it is not one.
        """
        if text not in self._parsed:
            try:
                (self._parsed[text],) = self._parser.parse_overrides([text])
            except HydraException as error:
                right = next(filter(self._is_readable, _meant(text)), "")
                fix = quoted(right) if right else f"{text.partition('=')[0]}={_FORMS}"
                raise ConfigError(f"Hydra can't read {text}", evidence=_said(error), fix=fix) from error
        return self._parsed[text]

    def _is_readable(self, text: str) -> bool:
        try:
            self._parser.parse_overrides([text])
        except HydraException:
            return False
        return True

    def axis(self, text: str) -> Axis:
        """Returns the axis that ``lr=0.1,0.2`` describes; an override that sweeps nothing is an axis of one value."""
        override = self.parse(text)
        key = override.get_key_element()
        if not override.is_sweep_override():
            return Axis(key_of(key), (key,), [(_fixed(override),)], [(override.value(),)])
        if not override.is_discrete_sweep():
            raise ConfigError(
                f"{text}: an interval can't be swept: it has no list of values",
                fix=f"'{key}=range(start,stop,step)'    # or a list of values",
            )
        numbers = _whole_numbers(override)
        if numbers is not None:
            return counting(key, numbers)
        elements = self._elements(override)
        texts = [Transformer.str(element) for element in elements]
        return single(key, texts, [_plain(element) for element in elements])

    def _elements(self, override: Override) -> list[Any]:
        elements: list[Any] = list(override.sweep_iterator())
        if not elements and override.is_choice_sweep():
            options = self._loader.get_group_options(override.key_or_group)
            raise ConfigError(
                f"{override.input_line} matches none of the options of '{override.key_or_group}'",
                evidence=f"options: {', '.join(options) or 'none, there is no such group'}",
            )
        return elements

    def listed(self, key: str, values: Sequence[Any]) -> Axis:
        """Returns an axis over the items of a YAML list."""
        axis = single(key, [value_text(value) for value in values], list(values))
        if values:
            self.parse(axis.rows[0][0])
        return axis

    def zipped(self, name: str, text: str) -> Axis | None:
        """Returns the axis of ``zip(a=choice(1,2),b=[3,4])``; None if ``text`` is no zip."""
        match = _ZIP.fullmatch(text)
        if match is None and not _BEGINS_ZIP.match(text):
            return None
        if match is None or not _is_closed(text):
            raise ConfigError(f"unclosed bracket in {text.strip()}", fix=_ZIP_FORM)
        members = [self._zip_member(name, part) for part in _split(match["members"])]
        return together(name, members)

    def _zip_member(self, name: str, part: str) -> Axis:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            problem = f"{name}: zip needs key=choice(...) for each key, not {part.strip()!r}"
            raise ConfigError(problem, fix=_ZIP_FORM)
        override = self.parse(f"{key}={value}")
        if getattr(override.value(), "shuffle", False):
            raise ConfigError(f"{name}: shuffling '{key}' would break its pairs")
        values = override.value()
        if isinstance(values, list):
            return self.listed(key, values)
        return self.axis(f"{key}={value}")


def _said(error: HydraException) -> str:
    """Returns what Hydra's parser has to say, in a line, without what it was about."""
    lines = [_EVALUATING.sub("", line).strip() for line in str(error).splitlines()]
    return "; ".join(line for line in lines if line and not line.startswith(_OF_NO_USE))


def _meant(text: str) -> Iterator[str]:
    """Yields what may be meant by an override that can't be read: another function, closed brackets, text."""
    key, _, value = text.partition("=")
    for name in _CALL.findall(value):
        near = closest(name, _FUNCTIONS)
        if near and name not in _FUNCTIONS:
            yield text.replace(f"{name}(", f"{near}(", 1)
    missing = ""
    for _, character in _unquoted(value):
        if character in _OPENING:
            missing = _CLOSING[_OPENING.index(character)] + missing
        elif missing.startswith(character):
            missing = missing[1:]
    if missing:
        yield text + missing
    if not _CALL.search(value):
        yield f"{key}={hydra_text(value)}"
    yield f"{_ODD_IN_KEYS.sub('_', key)}={value}"


def zip_tags(override: Override) -> list[str]:
    """Returns the names of the pairs that ``a=tag(zip_x,choice(1,2))`` belongs to."""
    tags = getattr(override.value(), "tags", ())
    return sorted(tag[len("zip_") :] for tag in tags if str(tag).startswith("zip_"))


def _split(text: str) -> Iterator[str]:
    """Yields the parts between commas that no bracket or quote encloses."""
    depth, begin = 0, 0
    for place, character in _unquoted(text):
        depth += (character in _OPENING) - (character in _CLOSING)
        if character == "," and depth == 0:
            yield text[begin:place]
            begin = place + 1
    yield text[begin:]


def _is_closed(text: str) -> bool:
    characters = [character for _, character in _unquoted(text)]
    return sum((one in _OPENING) - (one in _CLOSING) for one in characters) == 0


def _unquoted(text: str) -> Iterator[tuple[int, str]]:
    """Yields the characters that no quote encloses, with their places."""
    quote = ""
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote and text[place - 1] != "\\" else quote
        elif character in "'\"":
            quote = character
        else:
            yield place, character


def _fixed(override: Override) -> str:
    """Returns an override that sweeps nothing, written as Hydra's basic sweeper passes it on."""
    ordinary = (OverrideType.CHANGE, OverrideType.ADD, OverrideType.FORCE_ADD, OverrideType.DEL)
    if override.value_type is None or override.type not in ordinary:
        return str(override.input_line)
    return f"{override.get_key_element()}={override.get_value_element_as_str()}"


def _whole_numbers(override: Override) -> range | None:
    sweep = override.value()
    if not isinstance(sweep, RangeSweep) or sweep.shuffle or getattr(sweep, "transformers", None):
        return None
    numbers = sweep.range()
    return numbers if isinstance(numbers, range) else None


def _plain(value: Any) -> Any:
    """Returns a parsed value as a Python value, without quotes."""
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    return value

"""How qstat writes attributes: wrapped lines, one line each, delimited, JSON with its odd numbers, XML."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from time import ctime
from typing import Any, Literal
from xml.sax.saxutils import escape

#: attributes by name; those of resources and variables are nested
Attributes = dict[str, Any]
Quirk = Literal["release", "master", "invalid"]
LINE = 78


class Moment(int):
    """A time, which text shows as a date and Torque's XML as a number."""


def flat(attributes: Attributes) -> Iterator[tuple[str, str]]:
    """``Resource_List.ncpus`` and its value; variables are one long value."""
    for name, value in attributes.items():
        if name == "Variable_List":
            yield name, ",".join(f"{key}={text}" for key, text in value.items())
        elif isinstance(value, dict):
            yield from ((f"{name}.{key}", text) for key, text in value.items())
        else:
            yield name, ctime(value) if isinstance(value, Moment) else str(value)


def wrapped(name: str, value: str) -> str:
    """A line of ``qstat -f``, broken near column 80, at commas where there are any."""
    parts = [part for part in value.split(",") if part]
    text, column = f"    {name} = ", len(name) + 7
    for number, part in enumerate(parts):
        if len(part) + column < LINE:
            text, column = text + part, column + len(part)
        else:
            if number:
                text, column = text + "\n\t", 9
            for letter in part:
                text, column = text + letter, column + 1
                if column > LINE:
                    text, column = text + "\n\t", 8
        text += "," if number + 1 < len(parts) else ""
    return text


def full(heading: str, attributes: Attributes, wide: bool) -> str:
    lines = [f"    {n} = {v}" if wide else wrapped(n, v) for n, v in flat(attributes)]
    return "\n".join([heading, *lines]) + "\n\n"


def delimited(heading: str, attributes: Attributes, delimiter: str) -> str:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace(delimiter, "\\" + delimiter).replace("\n", "\\n")

    return delimiter.join([heading, *(f"{n}={escaped(v)}" for n, v in flat(attributes))]) + "\n"


def as_json(document: dict[str, Any], quirk: Quirk) -> str:
    """PBS's JSON: what looks like a number is written as one, even where that is a mistake."""
    return "".join(json_parts(document, quirk, 0)) + "\n"


def json_parts(value: Any, quirk: Quirk, depth: int, name: str = "") -> Iterator[str]:
    if not isinstance(value, dict):
        yield json_value(value, quirk, name)
        return
    yield "{"
    indent = "\n" + "    " * (depth + 1)
    for number, (key, inner) in enumerate(value.items()):
        yield f"{',' if number else ''}{indent}{json.dumps(key, ensure_ascii=False)}:"
        yield from json_parts(inner, quirk, depth + 1, key)
    yield "\n" + "    " * depth + "}"


def json_value(value: Any, quirk: Quirk, name: str) -> str:
    if not isinstance(value, str):
        return str(value)
    if quirk == "master" and value in ("true", "false", "null") and name != "Job_Name":
        return value
    if quirk == "master" and name == "Job_Name":
        return json.dumps(value, ensure_ascii=False)
    number = number_in(value)
    if number is None or (quirk == "release" and value.startswith("0") and number >= 1):
        return json.dumps(value, ensure_ascii=False)
    if quirk == "master" and value.isdigit():
        return str(int(value))
    return value


def number_in(value: str) -> float | None:
    """The number that C's strtod takes the whole value for."""
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", value, re.IGNORECASE):
        return None
    number = float(value)
    return None if math.isinf(number) else number


def as_xml(kind: str, items: Iterable[Attributes]) -> str:
    """Torque's ``qstat -x`` and ``pbsnodes -x``: items of a kind, each with its id among its attributes."""
    text = "".join(f"<{kind}>{xml_of(attributes)}</{kind}>" for attributes in items)
    return f'<?xml version="1.0"?>\n<Data>{text}</Data>\n'


def xml_of(attributes: Attributes) -> str:
    text = ""
    for name, value in attributes.items():
        nested = isinstance(value, dict) and name != "Variable_List"
        if name == "Variable_List":
            value = ",".join(f"{key}={said}" for key, said in value.items())
        text += f"<{name}>{xml_of(value) if nested else escape(str(value))}</{name}>"
    return text

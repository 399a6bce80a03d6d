"""Quotes words for a shell and text for Hydra's grammar, and takes overrides apart."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable

from .model import HIDDEN
from .text import UNSEEN, printable

#: What a shell changes inside double quotes, where a backslash helps; and where none helps in bash and in shlex.
_ESCAPED_IN_DOUBLE_QUOTES, _LIVE_IN_DOUBLE_QUOTES = re.compile(r'(["\\])'), set("$`!")
#: What ``printf`` and a shell leave as it is in single quotes within double quotes.
_PLAIN_IN_PRINTF = re.compile(r"[^%'\"\\$`!]")
#: What Hydra reads as plain text.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_/.+@-]*")
_KEYWORDS = ("null", "true", "false", "inf", "nan")
#: How the keys of overrides begin that only mean something for a sweep; ``hydra.sweep`` covers ``hydra.sweeper``.
_OF_SWEEPS = ("hydra.sweep", "hydra.launcher", "hydra/launcher", "hydra/sweeper", "hydra.mode")
#: The last part of names of secrets: all of a variable's name may say so, of a parameter's only its end
#: (``max_tokens`` and ``key_dim`` are none).
_SECRET_VARIABLE = re.compile(r"[A-Z0-9_]*(?:TOKEN|KEY|PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL)[A-Z0-9_]*")
_SECRET_PARAMETER = re.compile(
    r"(?:.*[_-])?(?:(?:api|access|secret|private|auth|ssh|account|license)[_-]?key|token|secret|passw(?:or)?d"
    r"|passphrase|credentials?)",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"[-+]?[\d.,eE+-]*|null|true|false|\$\{[^{}]*\}", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Returns whether a variable or a parameter is called like a secret: ``WANDB_API_KEY``, ``db.password``."""
    last = name.rpartition(".")[2]
    return bool(_SECRET_VARIABLE.fullmatch(last) or _SECRET_PARAMETER.fullmatch(last))


def without_secrets(override: str) -> str:
    """Returns an override with ``<hidden>`` for what may be secret: ``hydra.launcher.env``, what is called so.

    A number, a switch or a reference such as ``${oc.env:KEY}`` is none, but in ``hydra.launcher.env``.
    """
    head, given, text = override.partition("=")
    key = key_of(override)
    is_variable = key == "hydra.launcher.env" or key.startswith("hydra.launcher.env.")
    hides = is_variable or (is_secret(key) and not _NO_SECRET.fullmatch(text))
    return f"{head}={HIDDEN}" if given and text and hides else override


def quoted(word: str) -> str:
    """Quotes a word for a POSIX shell, if need be: in single quotes, or in double quotes where that is shorter.

    No character in it acts on a terminal or is hidden there, whatever the word contains: ``printf`` makes those.
    """
    if UNSEEN.search(word):
        return _made_by_printf(word)
    single = shlex.quote(word)
    if "'" not in word or _LIVE_IN_DOUBLE_QUOTES.intersection(word):
        return single
    double = _ESCAPED_IN_DOUBLE_QUOTES.sub(r"\\\1", word)
    return min(f'"{double}"', single, key=len)


def _made_by_printf(word: str) -> str:
    """Returns ``"$(printf '…')"``, which has no line end at its end; for one that has, ``$'…'``, unknown to dash."""
    text = "".join(
        character if _PLAIN_IN_PRINTF.match(character) and not UNSEEN.match(character) else _octal(character)
        for character in word.removeprefix("-")
    )
    text = f"{_octal('-') if word.startswith('-') else ''}{text}"
    return f"$'{text}'" if word.endswith("\n") else f"\"$(printf '{text}')\""


def _octal(character: str) -> str:
    how = "surrogateescape" if "\udc80" <= character <= "\udcff" else "surrogatepass"
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", how))


def comment(text: str) -> str:
    """Returns text as a comment of a shell's that ends with its line."""
    return f"# {printable(text).replace(chr(10), ' ')}"


def joined(words: Iterable[str]) -> str:
    """Returns the command line of these words, to be copied into a POSIX shell."""
    return " ".join(map(quoted, words))


def joined_without_secrets(words: Iterable[str]) -> str:
    """Returns the same with a variable of the shell for each secret, ``api_key="${API_KEY:?}"``, to be set before."""
    return " ".join(_by_variable(word) if without_secrets(word) != word else quoted(word) for word in words)


def _by_variable(override: str) -> str:
    name = re.sub(r"\W", "_", key_of(override).rpartition(".")[2], flags=re.ASCII).upper()
    return f"{quoted(override.partition('=')[0])}=\"${{{name if name[:1].isalpha() else f'_{name}'}:?}}\""


def pip_line(*words: str) -> str:
    """Returns the command line for this interpreter's pip, such as ``install pyarrow``."""
    return joined([sys.executable, "-m", "pip", *words])


def hydra_text(text: str) -> str:
    """Returns text as a value in Hydra's override grammar (``OverrideLexer.g4``), in quotes if it needs them.

    Within quotes a backslash escapes only a quote, or backslashes before one.
    """
    if _PLAIN.fullmatch(text) and text.lower() not in _KEYWORDS:
        return text
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), text)
    return f"'{escaped}'"


def key_of(override: str) -> str:
    """Returns the key of an override, or of a key as written: without value, and without ``+``, ``++`` or ``~``."""
    return override.lstrip("+~").partition("=")[0]


def is_kept_by_resume(override: str) -> bool:
    """Returns whether an override of Hydra is typed again where its sweep is resumed."""
    return not is_of_sweeps(override) or key_of(override) == "hydra.sweep.subdir"


def is_of_sweeps(override: str) -> bool:
    """Returns whether an override of Hydra only means something for a sweep, such as the choice of a launcher."""
    return key_of(override).startswith(_OF_SWEEPS)

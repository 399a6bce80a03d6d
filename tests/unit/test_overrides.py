"""Quotes in printed lines: no more than are needed, and always right."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st

from hsm_core.overrides import hydra_text, joined, pip_line, quoted
from hsm_core.text import UNSEEN


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("lr=0.1", "lr=0.1"),
        ("", "''"),
        ("model=[a,b]", "'model=[a,b]'"),
        ("hydra.launcher.select='1:ncpus=4'", '''"hydra.launcher.select='1:ncpus=4'"'''),
        ("it's $HOME", """'it'"'"'s $HOME'"""),
        ("it's \"so\"", '"it\'s \\"so\\""'),
        ("\\\\\\\\\\'", """'\\\\\\\\\\'"'"''"""),
        ("it's!", """'it'"'"'s!'"""),
    ],
)
def test_the_shortest_quotes(word: str, line: str) -> None:
    assert quoted(word) == line


@given(st.lists(st.text(alphabet="a '\"$`\\!*[]{}~#=ü", max_size=12), max_size=4))
def test_a_line_is_read_back_word_for_word(words: list[str]) -> None:
    assert shlex.split(joined(words)) == words


def test_a_shell_reads_the_same() -> None:
    words = ["a='b c'", 'x="y"', "$HOME", "it's !! `id`", "~", "a\\'b", "ü ☂\nb", "-n\t%d\\n'$`!\"", "\x1b]0;x\x07"]
    assert read_by("sh", words) == read_by("bash", words) == words


@pytest.mark.parametrize("plain", ["/tmp/a-b/c.d", "lr_ablation-1122-0551-tgfl", "a@b"])
def test_plain_text_needs_no_quotes_in_hydra(plain: str) -> None:
    assert hydra_text(plain) == plain


@given(st.text(alphabet="a/'\"$\\ ,()[]{}:=\t-.0Nul", min_size=1, max_size=10))
def test_hydra_reads_the_text_back(text: str) -> None:
    (found,) = OverridesParser.create().parse_overrides([f"x={hydra_text(text)}"])
    value = found.value()
    assert str(value) == text
    assert isinstance(value, str)


EVIL = "a0\n\r\t\x1b\x07\x80\u200b\u202e\udcff-%'\"\\$`!;ü"
OVERRIDES = st.text(alphabet="az0 ={}[]()<>$*?'\"`|&;!~#\\,:/.-+@%^\t\nü☂", max_size=24)


@settings(max_examples=60, deadline=None)
@given(st.lists(OVERRIDES, min_size=1, max_size=12))
def test_bash_splits_a_printed_line_into_the_same_words(words: list[str]) -> None:
    assert read_by("bash", words) == words


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(alphabet=EVIL, min_size=1), min_size=1, max_size=8))
def test_a_line_is_one_line_of_what_can_be_seen_whatever_the_words_contain(words: list[str]) -> None:
    line = joined(words)
    assert not UNSEEN.search(line)
    assert read_by("bash", words) == words
    plain = [word.rstrip("\n") + "." for word in words]
    assert read_by("sh", plain) == plain


def read_by(shell: str, words: list[str]) -> list[str]:
    done = subprocess.run([shell, "-c", f"printf '%s\\0' {joined(words)}"], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


@given(st.text(alphabet="az0 ={}[]()<>$*?'\"`|&;!~#\\,:/.-+@%^ü☂", max_size=24))
def test_no_other_quotes_are_shorter_than_those_of_shlex(word: str) -> None:
    assert len(quoted(word)) <= len(shlex.quote(word))


def test_a_line_for_pip_can_be_copied_wherever_python_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/new user/bin/python")
    assert pip_line("install", "a>=1,<2") == "'/new user/bin/python' -m pip install 'a>=1,<2'"

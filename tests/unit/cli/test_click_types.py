"""What a command's question at the terminal makes of its answer."""

from __future__ import annotations

import click
import pytest

from hsm_core.cli.click_types import agree, run


@pytest.mark.parametrize(
    ("typed", "code", "told"), [("y", 0, "did it\n"), ("n", 1, "nothing was done\n"), ("", 130, "")]
)
def test_no_is_an_answer_and_not_an_interrupt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, code: int, told: str
) -> None:
    @click.command()
    def command() -> int:
        agree("really?", "nothing was done")
        click.echo("did it", err=True)
        return 0

    def answer(_: str) -> str:
        if not typed:
            raise EOFError
        return typed

    monkeypatch.setattr("click.termui.visible_prompt_func", answer)
    assert run(command, [], "x") == code
    assert capsys.readouterr().err.endswith(told)

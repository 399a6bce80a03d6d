"""What a record says of where packages came from has no secrets in it."""

from __future__ import annotations

import pytest

from hsm_core.detect.origin import without_credentials


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://user:token@host/a.git", "https://host/a.git"),
        ("https://token@host:8443/a", "https://host:8443/a"),
        ("https://host/a.whl?X-Token=1#sha256=2", "https://host/a.whl#sha256=2"),
        ("ssh://git@host/a.git", "ssh://git@host/a.git"),
        ("ssh://git:word@host/a.git", "ssh://host/a.git"),
        ("file:///home/me@work/a", "file:///home/me@work/a"),
        ("https://host/a@1.0", "https://host/a@1.0"),
    ],
)
def test_a_url_is_recorded_without_its_credentials(url: str, plain: str) -> None:
    assert without_credentials(url) == plain

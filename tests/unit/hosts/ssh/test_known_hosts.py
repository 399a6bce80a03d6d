"""A key is believed exactly where ssh would believe it; compared with ssh-keygen's own files."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from hsm_core.hosts.ssh.known_hosts import fingerprint, judge, known_kinds, names_host, read_lines, write_down

ED, RSA, OTHER, CA = "ssh-ed25519", "ssh-rsa", b"other key", b"authority"
KEY = b"the key"


def line(patterns: str, key: bytes = KEY, kind: str = ED, marker: str = "") -> str:
    return f"{marker} {patterns} {kind} {base64.b64encode(key).decode()} a comment".strip() + "\n"


def verdict(tmp_path: Path, text: str, name: str = "box1", port: int = 22) -> str:
    file = tmp_path / "known hosts"
    file.write_text(text)
    return judge(read_lines([tmp_path / "none", file]), name, port, KEY).verdict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "unknown"),
        (line("box1"), "known"),
        (line("BOX1,10.0.0.3"), "known"),
        (line("box*"), "known"),
        (line("box?,!box1"), "unknown"),
        (line("box10"), "unknown"),
        (line("[box1]:2222"), "unknown"),
        (line("box1", OTHER), "changed"),
        (line("box1", OTHER) + line("box1"), "known"),
        (line("box1", OTHER, RSA), "changed"),
        (line("box2", OTHER), "unknown"),
        (line("box1", KEY, ED, "@revoked"), "revoked"),
        (line("box1") + line("*", KEY, ED, "@revoked"), "revoked"),
        (line("box1") + line("box1", OTHER, ED, "@revoked"), "known"),
        (line("box1", OTHER, ED, "@revoked"), "unknown"),
        (line("box1", CA, ED, "@cert-authority"), "authority"),
        (line("box1", KEY, ED, "@cert-authority"), "authority"),
        (line("*", CA, ED, "@cert-authority") + line("box1"), "known"),
        (line("box2", CA, ED, "@cert-authority"), "unknown"),
        ("# " + line("box1"), "unknown"),
        ("nonsense\nbox1 ssh-ed25519 §§§\n@other " + line("box1") + "\0\n" + line("box1"), "known"),
        (line("box1").replace("\n", "\r\n"), "known"),
    ],
)
def test_a_line_counts_as_ssh_counts_it(tmp_path: Path, text: str, expected: str) -> None:
    assert verdict(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (line("[box1]:2222"), "known"),
        (line("[*]:2222"), "known"),
        (line("box1"), "known"),  # ssh looks there too, if it does not know the port
        (line("box1", OTHER), "unknown"),
        (line("[box1]:2222", OTHER) + line("box1"), "changed"),
        (line("box1", KEY, ED, "@revoked"), "revoked"),
    ],
)
def test_another_port_is_another_host(tmp_path: Path, text: str, expected: str) -> None:
    assert verdict(tmp_path, text, port=2222) == expected


@pytest.mark.sshd
def test_lines_that_ssh_keygen_hashed_are_found(tmp_path: Path) -> None:
    keys = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys], check=True)
    kind, text, *_ = keys.with_suffix(".pub").read_text().split()
    file = tmp_path / "known_hosts"
    file.write_text(f"box1 {kind} {text}\n[box2]:2222 {kind} {text}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    lines, key = read_lines([file]), base64.b64decode(text)
    assert "box" not in file.read_text()
    assert [judge(lines, name, port, key).verdict for name, port in (("box1", 22), ("box2", 2222), ("box3", 22))] == [
        "known", "known", "unknown",
    ]  # fmt: skip
    assert known_kinds(lines, "box2", 2222) == [kind]
    shown = subprocess.run(["ssh-keygen", "-lf", keys], check=True, capture_output=True, text=True).stdout
    assert fingerprint(key) in shown


@pytest.mark.sshd
@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize("port", [22, 2222])
def test_what_is_written_down_is_found_by_us_and_by_ssh(tmp_path: Path, port: int, hashed: bool) -> None:
    file = tmp_path / "new" / "known_hosts"
    write_down(file, "Box1", port, ED, KEY, hashed=hashed)
    file.write_bytes(file.read_bytes().rstrip(b"\n"))  # as an editor may leave it
    write_down(file, "box2", port, ED, KEY, hashed=hashed)
    lines = read_lines([file])
    assert [judge(lines, name, port, KEY).verdict for name in ("box1", "box2")] == ["known", "known"]
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert ("box2" in file.read_text()) is not hashed
    asked = "box2" if port == 22 else f"[box2]:{port}"
    assert subprocess.run(["ssh-keygen", "-F", asked, "-f", file], capture_output=True, check=False).stdout


def test_a_bracket_is_no_pattern() -> None:
    assert names_host("[box1]:2222", "[box1]:2222")
    assert not names_host("[box1]:2222", "b:2222")
    assert not names_host("|1|nonsense", "box1")
    assert not names_host("|1|§|§", "box1")

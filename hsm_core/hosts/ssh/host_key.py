"""Decides whether a host's key is believed, and says what to type where it is not."""

from __future__ import annotations

from pathlib import Path

from hsm_core.errors import HostClosed
from hsm_core.overrides import joined, quoted

from .address import HostAddress
from .known_hosts import Judgement, fingerprint, judge, read_lines, write_down, written_name
from .recorded import ssh_options
from .ssh_config import Target

#: What tells that a connection was refused because of the host's key, whoever refused it.
CHANGED, UNKNOWN = "has another host key than the one that is written down", "is not known yet"


def check(target: Target, kind: str, key: bytes, *, accept_new: bool, login: str) -> str:
    """Returns the key that is believed and where it stands; writes a new one down, if that was asked for.

    Args:
        kind: of the key, as known_hosts names it.
        key: its bytes on the wire.
        accept_new: believe a host of which nothing is written down.
        login: the ssh command that goes there.

    Raises:
        HostClosed: it is not believed.
    """
    found = judge(read_lines(target.known_hosts), target.key_name, target.key_port, key)
    shown = f"{kind} {fingerprint(key)}"
    if found.verdict == "known":
        return f"{shown}, as in {found.lines[0].place}"
    if found.verdict == "unknown" and accept_new and target.known_hosts:
        _write_down(target, kind, key)
        return f"{shown}, new: now in {target.known_hosts[0]}"
    raise _refusal(target, found, shown, login)


def _write_down(target: Target, kind: str, key: bytes) -> None:
    file = target.known_hosts[0]
    try:
        write_down(file, target.key_name, target.key_port, kind, key, hashed=target.hash_known_hosts)
    except OSError as error:
        raise HostClosed(f"the host key of {target.name} can't be written down", evidence=str(error)) from error


def _refusal(target: Target, found: Judgement, shown: str, login: str) -> HostClosed:
    where = ", ".join(line.place for line in found.lines)
    if found.verdict == "changed":
        return changed(target, f"it is {shown}; {where} has another", Path(found.lines[0].place.rpartition(":")[0]))
    if found.verdict == "revoked":
        return HostClosed(
            f"the host key of {target.name} was revoked: do not log in there",
            evidence=f"{shown} is marked @revoked in {where}",
        )
    if found.verdict == "authority":
        return HostClosed(
            f"the host key of {target.name} is signed by an authority, which paramiko can't check", evidence=where,
            fix=f"{{name: {target.name}, transport: openssh}}    # in hydra.launcher.hosts",
        )  # fmt: skip
    return unknown(target, f"its key is {shown}", login)


def unknown(target: Target, evidence: str, login: str) -> HostClosed:
    """Says that nothing is written down about a host."""
    files = ", ".join(str(file) for file in target.known_hosts[:1])
    return HostClosed(
        f"{target.name} {UNKNOWN}: its host key is not in {files or 'any known_hosts'}", evidence=evidence,
        fix=f"{login}    # compare the key, say yes; or set host_keys: accept_new for this host",
    )  # fmt: skip


def changed(target: Target, evidence: str, file: Path | None) -> HostClosed:
    """Says that a host shows another key than it did: this is never passed over."""
    written = quoted(written_name(target.key_name, target.key_port))
    place = f" -f {quoted(str(file))}" if file else ""
    return HostClosed(
        f"WARNING: {target.name} {CHANGED}. Somebody may be listening in, or it was reinstalled",
        evidence=evidence,
        fix=f"ssh-keygen -R {written}{place}    # only if whoever runs the host confirms the new key",
    )


def login_line(address: HostAddress, config: Path | None) -> str:
    """Returns the ssh command that goes to a host, to be typed."""
    return joined(["ssh", *ssh_options(address, config)])

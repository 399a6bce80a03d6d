"""How fast hsm is over SSH, on real sshd hosts of a fleet (as root; ``make services`` brings what they need).

    python tests/bench/ssh_speed.py snapshot [--files 5000] [--delays 0 50]
    python tests/bench/ssh_speed.py tasks [--tasks 1000]
    python tests/bench/ssh_speed.py log_line [--delays 0 50]
    python tests/bench/ssh_speed.py round_trips

Each measurement is a function; the first word chooses it.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from hsm_core.detect.snapshot import freeze  # noqa: E402
from hsm_core.hosts.agent.remote_host import RemoteHost  # noqa: E402
from hsm_core.hosts.installing import install  # noqa: E402
from hsm_core.hosts.ssh.address import read_address  # noqa: E402
from hsm_core.hosts.ssh.transports import make_host  # noqa: E402
from hsm_core.sources.remote.pool import HostPool  # noqa: E402
from hsm_core.store.record import SourceRecord  # noqa: E402
from hsm_core.testing.source import Bound  # noqa: E402
from tests.integration.ssh_sweeping import PYTHON, with_hydra  # noqa: E402
from tests.integration.test_ssh_source import SPEC, equip, frozen  # noqa: E402
from tests.services.fleet import Fleet, running_fleet  # noqa: E402

NOTHING = """
import hydra
@hydra.main(config_path=None, config_name=None, version_base=None)
def main(cfg):
    return None
if __name__ == "__main__":
    main()
"""
TALKING = """
import time
import hydra
@hydra.main(config_path=None, config_name=None, version_base=None)
def main(cfg):
    for number in range(60):
        print(time.clock_gettime(time.CLOCK_BOOTTIME), flush=True)
        time.sleep(0.17)
if __name__ == "__main__":
    main()
"""
ROUNDS = 3
#: Files that are sent one by one; the time of all is computed from theirs.
ONE_BY_ONE = 100


def snapshot(options: argparse.Namespace) -> None:
    """A snapshot of many small files: new, once more, with ten files changed; beside SFTP, file by file."""
    for delay_ms in options.delays:
        with fleet(1, delay_ms, options.mbit) as hosts, tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "app"
            _make_app(folder, options.files)
            times: dict[str, list[float]] = {}
            for number in range(ROUNDS):
                _rewrite(folder, range(options.files), f"round {number}")
                _measure_round(hosts, folder, times)
            for what, found in times.items():
                least, median = min(found), statistics.median(found)
                print(f"{delay_ms:3} ms  {what:20} {least:7.2f} s least, {median:7.2f} s median")
            each = _sftp_each(hosts, folder)
            print(f"{delay_ms:3} ms  {'SFTP, file by file':20} {each * options.files:7.1f} s, by {ONE_BY_ONE}")


def _measure_round(hosts: Fleet, folder: Path, times: dict[str, list[float]]) -> None:
    host = _host(hosts)
    store = Path(host.environment["HOME"]) / "bench"  # connected by now
    _timed(times, "frozen here", lambda: freeze(str(folder), folder.with_name(f"frozen{time.time_ns()}")))
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    host.run(["sh", "-c", 'chmod -R u+w "$1" 2>/dev/null; rm -rf "$1"', "sh", str(store)], 60.0)
    _timed(times, "first snapshot", lambda: install(host, files, store, "python3"))
    _timed(times, "the same again", lambda: install(host, files, store, "python3"))
    _rewrite(folder, range(10), str(time.time()))
    _timed(times, "ten files changed", lambda: install(host, files, store, "python3"))
    host.close()


def _timed(times: dict[str, list[float]], what: str, step: Callable[[], object]) -> None:
    began = time.monotonic()
    step()
    times.setdefault(what, []).append(time.monotonic() - began)


def _make_app(folder: Path, count: int) -> None:
    """Makes files of 0.2 to 5 KB, 50 a directory, 13 MB in all for 5,000: as long as code, as various."""
    for number in range(count):
        path = folder / f"package{number // 50:03}" / f"module_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_text(number))


def _text(seed: int) -> str:
    source = random.Random(seed)
    words = [f"name_{source.randrange(900)} = value({source.random():.6f})" for _ in range(source.randrange(6, 140))]
    return "\n".join(words)


def _rewrite(folder: Path, numbers: range, mark: str) -> None:
    for number in numbers:
        path = folder / f"package{number // 50:03}" / f"module_{number}.py"
        path.write_text(f"# {mark}\n{_text(number)}")


def _sftp_each(hosts: Fleet, folder: Path) -> float:
    """Returns the seconds that paramiko's SFTP needs for a file."""
    import paramiko

    client = paramiko.SSHClient()
    client.load_host_keys(str(hosts.directory / "known_hosts"))
    client.connect("192.0.2.1", username="sweeper", key_filename=str(hosts.directory / "id_ed25519"))
    with client.open_sftp() as sftp:
        paths = sorted(folder.rglob("*.py"))[:ONE_BY_ONE]
        began = time.monotonic()
        for path in paths:
            sftp.put(str(path), f"each-{path.name}")
        seconds = (time.monotonic() - began) / len(paths)
    client.close()
    return seconds


def tasks(options: argparse.Namespace) -> None:
    """Tasks that do nothing, over 4 hosts with 4 slots each, beside GNU parallel that starts the app for each."""
    with fleet(4, 0, options.mbit) as hosts, tempfile.TemporaryDirectory() as name:
        with_hydra(hosts)
        folder = Path(name)
        (folder / "app.py").write_text(NOTHING)
        command = [sys.executable, "app.py", "-m", "hydra/sweeper=hsm", *_launcher(hosts, 4), "hydra.sweep.dir=sweep"]
        began = time.monotonic()
        subprocess.run([*command, f"+seed=range({options.tasks})"], cwd=folder, check=True, capture_output=True)
        print(f"hsm_ssh       {time.monotonic() - began:7.2f} s for {options.tasks} tasks", flush=True)
        for number in range(1, 5):
            copy = ["scp", "-q", "-F", hosts.ssh_config, "app.py", f"h{number}:"]
            subprocess.run(copy, cwd=folder, check=True)
        for what, job in {"the app": f"{PYTHON} app.py +seed={{}}", "true": "true {}"}.items():
            logins = ",".join(f"4/ssh -F {hosts.ssh_config} h{number}" for number in range(1, 5))
            count = min(options.tasks, options.parallel)
            began = time.monotonic()
            words = ["parallel", "--will-cite", "-S", logins, "-j4", job, ":::", *map(str, range(count))]
            subprocess.run(words, cwd=folder, check=True, capture_output=True)
            each = (time.monotonic() - began) / count
            told = f"{each * options.tasks:7.2f} s for {options.tasks} times {what}, by {count}"
            print(f"GNU parallel  {told}", flush=True)


def log_line(options: argparse.Namespace) -> None:
    """A line that a task prints, until it is in its log here; both sides read one clock."""
    for delay_ms in options.delays:
        with fleet(1, delay_ms, options.mbit) as hosts, tempfile.TemporaryDirectory() as name:
            with_hydra(hosts)
            folder = Path(name)
            (folder / "app.py").write_text(TALKING)
            command = [sys.executable, "app.py", "-m", *_launcher(hosts, 1), "hydra.sweep.dir=sweep", "+seed=1"]
            sweep = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            log, late, seen = folder / "sweep" / "0" / ".hsm" / "stdout.log", list[float](), 0
            while sweep.poll() is None:
                lines = log.read_text().split("\n")[:-1] if log.exists() else []
                now = time.clock_gettime(time.CLOCK_BOOTTIME)
                late += [now - float(line) for line in lines[seen:]]
                seen = len(lines)
                time.sleep(0.005)
            most = sorted(late)[int(len(late) * 0.9)]
            told = f"{statistics.median(late):.3f} s median, {most:.3f} s at most for 9 in 10"
            print(f"{delay_ms:3} ms  a line's way home: {told}, goal {delay_ms / 1000 + 0.2:.2f} s", flush=True)


def round_trips(options: argparse.Namespace) -> None:
    """What it takes to give a task to a host whose worker runs: seconds at two round trips, hence their number."""
    found = dict[int, float]()
    for delay_ms in (0, 100):
        with fleet(1, delay_ms, options.mbit) as hosts, tempfile.TemporaryDirectory() as name:
            plain = frozen(Path(name), [""] * 10)
            host = _host(hosts)
            record = SourceRecord(SPEC.source, "host", host.name, dict(host.settings))
            pool = HostPool(record, plain.paths, host, SPEC, equip)
            bound = Bound(pool, plain.state(), plain.launch, lambda: None)
            bound.hand_over([(0, 1)])
            times = []
            for number in range(1, 10):
                began = time.monotonic()
                bound.hand_over([(number, 1)])
                times.append(time.monotonic() - began)
            found[delay_ms] = min(times)
            pool.close()
            plain.close()
    print(f"a task is given in {found[0]:.3f} s, and in {(found[100] - found[0]) / 0.1:.1f} round trips, goal 2")


def _launcher(hosts: Fleet, slots: int) -> list[str]:
    named = ",".join(f"{{name:h{number},slots:{slots},python:{PYTHON}}}" for number in range(1, hosts.size + 1))
    config = f"hydra.launcher.ssh_config={hosts.ssh_config}"
    return ["hydra/launcher=hsm_ssh", f"hydra.launcher.hosts=[{named}]", config]


@contextmanager
def fleet(size: int, delay_ms: int, mbit: int = 0) -> Iterator[Fleet]:
    """Hosts that this thread can reach; a packet and its answer take ``delay_ms`` together.

    ``mbit`` limits what goes through a link in a second; 0 does not.
    """
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        with running_fleet(Path(name), size, delay_ms // 2) as hosts, hosts.reachable():
            for number in range(1, size + 1) if mbit else ():
                hosts("rate", number, mbit)
            yield hosts


def _host(hosts: Fleet) -> RemoteHost:
    return make_host(read_address({"name": "h1"}), hosts.ssh_config)


MEASUREMENTS = {"snapshot": snapshot, "tasks": tasks, "log_line": log_line, "round_trips": round_trips}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measurement", choices=MEASUREMENTS)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--delays", type=int, nargs="*", default=[0, 50], help="round trips, in ms")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--parallel", type=int, default=1000, help="tasks of GNU parallel; the time is of all tasks")
    parser.add_argument("--mbit", type=int, default=0, help="of each link in a second; 0: no limit")
    options = parser.parse_args()
    MEASUREMENTS[options.measurement](options)


if __name__ == "__main__":
    main()

"""What every test may use: hard paths, a catalogue of its own, Slurm, PBS, Grid Engine, hosts behind SSH."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_core.schedulers import registry
from tests.services.absent import SERVICES
from tests.services.cluster import Cluster, running_cluster, running_gridengine
from tests.services.fleet import Fleet, running_fleet
from tests.services.pbs.pbs import Pbs, running_pbs

GRIDENGINE_PACKAGE = Path(__file__).parent / "third_party" / "hsm_gridengine"
WEIRD = 'it\'s a "hard" dir; ünï ☂'

#: What starts many processes whose code others start and measure too: coverage makes each take twice as long.
UNMEASURED = (
    "tests/e2e/", "tests/integration/test_as_basic_", "tests/integration/test_hydra_suites_",
    "tests/integration/test_apps.py",
    "tests/integration/test_byte_equal.py", "tests/integration/test_ctrl_c_on_terminal.py",
    "tests/integration/test_foreign_launchers.py", "tests/integration/test_going_on.py",
    "tests/integration/test_hpc.py", "tests/integration/test_optuna.py", "tests/integration/test_packaging.py",
    "tests/integration/test_pbs_", "tests/integration/test_queue.py", "tests/integration/test_reproduce.py",
    "tests/integration/test_slurm_", "tests/integration/test_snapshot.py", "tests/integration/test_ssh_code.py",
    "tests/integration/test_ssh_run.py", "tests/integration/test_ssh_results.py",
    "tests/third_party/",
)  # fmt: skip


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose service is absent; fail it where HSM_SERVICES=required says that all are there."""
    for marker, absent in SERVICES.items():
        if item.get_closest_marker(marker) and (reason := absent()):
            if os.environ.get("HSM_SERVICES") == "required":
                pytest.fail(f"{marker} is required here, but: {reason}", pytrace=False)
            pytest.skip(f"{marker} is absent ({reason}); `make services` brings it (Debian, root)")


@pytest.fixture(scope="session", autouse=True)
def own_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Sweeps of the tests are listed apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of this test are not traced by coverage: Hydra would take that for a debugger."""
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def measured_elsewhere(request: pytest.FixtureRequest) -> None:
    """Leave the commands of ``UNMEASURED`` out of coverage."""
    if request.node.nodeid.startswith(UNMEASURED):
        request.getfixturevalue("unmeasured")


@pytest.fixture(scope="session", autouse=True)
def found_plugins() -> None:
    """Hydra 1.4 finds plugins once a process: not within a test that puts Hydra's state back."""
    from hydra.core.plugins import Plugins

    Plugins.instance()


@pytest.fixture(scope="module", autouse=True)
def own_version_base(found_plugins: None) -> Iterator[None]:
    """Hydra's version base outlives ``initialize(version_base=…)``: no file of tests leaves one to the next."""
    from hydra.version import VersionBase

    found = VersionBase.instance().version_base
    yield
    VersionBase.instance().version_base = found


def open_to_all(path: Path) -> Path:
    """Let other users reach ``path``: pytest's directories are closed to them."""
    tops = {Path("/"), Path(tempfile.gettempdir())}
    for directory in [path, *path.parents]:
        if directory in tops:
            break
        directory.chmod(directory.stat().st_mode | 0o055)
    return path


@pytest.fixture
def own_directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runs in a new directory: Hydra's suites write logs where they run, and several run at once."""
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


@pytest.fixture
def weird_tmp_path(tmp_path: Path) -> Path:
    """A directory with spaces, quotes, a semicolon and unicode in its name, which any user can read."""
    path = tmp_path / WEIRD
    path.mkdir()
    return open_to_all(path)


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def slurm(slurm_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A real Slurm cluster of 4 nodes, the one that sbatch and squeue talk to. Mark the test ``slurm``."""
    monkeypatch.setenv("SLURM_CONF", slurm_cluster.conf)
    return slurm_cluster


@pytest.fixture(scope="session")
def pbspro_server() -> Iterator[Pbs]:
    with running_pbs("pbspro") as server:
        yield server


@pytest.fixture(scope="session")
def torque_server() -> Iterator[Pbs]:
    with running_pbs("torque") as server:
        yield server


@pytest.fixture
def pbs(pbspro_server: Pbs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pbs]:
    """A PBS Pro that runs scripts, the one that qsub and qstat talk to. Mark the test ``pbs``."""
    monkeypatch.setenv("PATH", pbspro_server.path)
    with pbspro_server.healed():
        yield pbspro_server


@pytest.fixture
def torque(torque_server: Pbs, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pbs]:
    """The same of the flavour Torque. Mark the test ``pbs``."""
    monkeypatch.setenv("PATH", torque_server.path)
    with torque_server.healed():
        yield torque_server


@pytest.fixture(scope="session")
def third_party(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory for PYTHONPATH, into which pip installed the package for Grid Engine as it would anywhere."""
    checkout, target = tmp_path_factory.mktemp("checkout") / "package", tmp_path_factory.mktemp("packages")
    shutil.copytree(GRIDENGINE_PACKAGE, checkout)
    how = ("-q", "--no-deps", "--disable-pip-version-check", "--target", str(target))
    subprocess.run([sys.executable, "-m", "pip", "install", *how, str(checkout)], check=True, timeout=300)
    return target


@pytest.fixture
def gridengine_package(third_party: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """It is found by this process and by those that a test starts."""
    monkeypatch.syspath_prepend(str(third_party))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(third_party), os.environ.get("PYTHONPATH")])))
    registry._entries.cache_clear()
    yield third_party
    registry._entries.cache_clear()


@pytest.fixture(scope="session")
def gridengine_cell() -> Iterator[Cluster]:
    with running_gridengine() as cell:
        yield cell


@pytest.fixture
def gridengine(gridengine_cell: Cluster, gridengine_package: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A real Grid Engine of 4 slots, the one that qsub and qstat talk to, and the package that knows it.

    Mark the test ``gridengine``.
    """
    for name, value in gridengine_cell.chosen_by.items():
        monkeypatch.setenv(name, value)
    return gridengine_cell


@pytest.fixture(scope="session")
def ssh_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with running_fleet(open_to_all(tmp_path_factory.mktemp("fleet"))) as fleet:
        yield fleet


@pytest.fixture
def fleet(ssh_hosts: Fleet) -> Iterator[Fleet]:
    """Three hosts behind SSH, on whose network the test runs. Mark the test ``sshd``."""
    with ssh_hosts.reachable():
        yield ssh_hosts
    ssh_hosts.heal()

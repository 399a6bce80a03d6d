"""Packages hsm so that Hydra finds its plugins, in a normal install and in an editable one."""

from __future__ import annotations

from pathlib import Path

from setuptools import find_namespace_packages, find_packages, setup
from setuptools.command.editable_wheel import editable_wheel

#: What the project is; each Hydra 1.4 app of the machine parses it at its start, so not the whole README.
ABOUT = Path(__file__).with_name("README.md").read_text(encoding="utf-8").partition("\n## ")[0]


class VisibleEditable(editable_wheel):
    """An editable install as a plain path entry.

    Hydra 1.3 lists the directories of the ``hydra_plugins`` namespace; the import hook that setuptools
    installs by default has no directory to list, so the plugins would silently be missing.
    """

    def finalize_options(self) -> None:
        self.mode = self.mode or "compat"
        super().finalize_options()


setup(
    name="hpc-sweep-manager",
    version="0.1.0",
    description="Hyperparameter sweeps for any Hydra app, as Hydra plugins",
    long_description=ABOUT,
    long_description_content_type="text/markdown",
    author="The hsm developers",
    license="MIT",
    classifiers=[
        "Framework :: Hydra",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering",
    ],
    python_requires=">=3.10",
    packages=find_packages(include=["hsm_core", "hsm_core.*"])
    + find_namespace_packages(include=["hydra_plugins.*"]),
    package_data={
        "hsm_core": ["py.typed", "scripts/templates/*.j2", "scripts/templates/*.sh", "views/report/page_parts/*"]
    },
    # from the lowest that the tests passed with to the newest major version that there is (Makefile: test-all)
    install_requires=[
        "hydra-core>=1.3.2,<1.5",
        "omegaconf>=2.3,<2.5",
        "cloudpickle>=2.2.1,<4",
        "threadpoolctl>=3.1,<4",
        "click>=8.1,<9",
        "rich>=13,<16",
        "jinja2>=3.1,<4",
        "paramiko>=3,<6",
        "submitit>=1.5,<2",
    ],
    extras_require={
        "example": ["numpy>=1.26,<3"],
        "parquet": ["pyarrow>=14,<27"],
        "plot": ["plotext>=6,<7"],
        "xlsx": ["openpyxl>=3.1,<4"],
    },
    entry_points={
        "console_scripts": ["hsm = hsm_core.cli.hsm:main", "hsm-status = hsm_core.cli.status:main"],
        # one, as Hydra 1.4 parses our metadata for each at every start of any app; it registers the others
        "hydra.plugins": ["hsm = hydra_plugins.hsm.plugins:HsmSweeperHint"],
        # see docs/extending.md
        "hsm.schedulers": [
            "slurm = hsm_core.schedulers.slurm.registration:SYSTEM",
            "pbs = hsm_core.schedulers.pbs.registration:SYSTEM",
        ],
    },
    cmdclass={"editable_wheel": VisibleEditable},
)

"""Builds a library that computes with a pool of threads; forked while that lives, it hangs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

OPENMP = """
#include <omp.h>
int team(int wanted) {
    int size = 0;
    if (wanted) omp_set_num_threads(wanted);
    #pragma omp parallel
    { double x = 0; for (int i = 0; i < 100000; i++) x += i * 0.5;
      if (x < 0) size = -1;
      #pragma omp single
      size = omp_get_num_threads(); }
    return size;
}
"""


@pytest.fixture(scope="module")
def openmp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that computes with a pool of threads; forked while it lives, the pool hangs."""
    folder = tmp_path_factory.mktemp("openmp")
    (folder / "team.c").write_text(OPENMP)
    command = [
        "gcc",
        "-O1",
        "-fopenmp",
        "-shared",
        "-fPIC",
        "-o",
        str(folder / "team.so"),
        str(folder / "team.c"),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no compiler with OpenMP: {error}")
    return folder / "team.so"

"""The committed kernel of the engine is what its source gives."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests import ROOT

KERNEL = ROOT / "pages/live/frontend/engine/peak.wasm"
COMPILER = "clang-16"
# Maxima and rows of both kernels on the same tissue, which has a group that is not full.
COMPARE = """
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { PeakKernel } from "./pages/live/frontend/engine/peak_kernel.js";

const q = 9, nRows = 31, nVoxels = 1003;
const tissue = Int16Array.from({ length: q * nVoxels }, (_, i) => Math.round(30_000 * Math.sin(i * i)));
const matrix = Float32Array.from({ length: q * nRows }, (_, i) => Math.cos(0.7 * i));
const [built, committed] = process.argv.slice(1).map((path) => {
  const kernel = new PeakKernel(new WebAssembly.Module(readFileSync(path)), q);
  return kernel.peaks(matrix, [kernel.store(tissue)]);
});
assert.ok(built.top.some((value) => value > 0) && built.row.some((value) => value > 0));
assert.deepEqual(built, committed);
"""


def test_the_source_gives_the_committed_kernel(tmp_path: Path) -> None:
    """Byte for byte with the same release of the compiler; another one must give the same results."""
    if not shutil.which(COMPILER) or not shutil.which("wasm-ld-16"):
        pytest.skip(f"{COMPILER} with wasm-ld is not on this machine (Debian: apt-get install clang-16 lld-16).")
    built = tmp_path / KERNEL.name
    shutil.copy(KERNEL.with_suffix(".c"), tmp_path)
    subprocess.run(["make", "-s", "wasm", f"WASM={built}", f"CLANG={COMPILER}"], check=True, cwd=ROOT)
    if built.read_bytes() == KERNEL.read_bytes():
        return
    if not (node := shutil.which("node")):
        pytest.skip("Another release of the compiler, and no Node to compare the results.")
    command = [node, "--input-type=module", "--eval", COMPARE, str(built), str(KERNEL)]
    run = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr

"""What loading DICOM costs: ``python -m tools.measure_dicom``; a table of processor time and peak memory.

2,000 images of 256 × 256 pixels (40 slices, 50 frames) as single files, in a zip archive, compressed as JPEG-LS
and as one enhanced multi-frame file, each read in a fresh process. Processor time is that of the process and of
its decoder, imports included; memory is that of the process (Linux).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tests.support.dicom_enhanced import enhanced
from tests.support.dicom_export import bolus, images

N_TIME, N_SLICES, SIDE = 50, 40, 256
LOAD = """
import resource, sys
from pathlib import Path
from perfcore.io.load import load_series
shape = load_series(Path(sys.argv[1])).data.shape
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
# ru_maxrss would begin with the memory of the process that started this one
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
print(sum(own.ru_utime + own.ru_stime for own in used), int(peak) / 1e6, *shape)
"""


def main() -> None:
    data = bolus(N_TIME, N_SLICES, SIDE)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        _measure("single files", _saved(images(data), root / "single"))
        archive = root / "single.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted((root / "single").iterdir()):
                packed.write(path, path.name)
        _measure("zip archive", archive)
        compressed = images(data, compression="jpeg-ls", PixelRepresentation=0)
        _measure("JPEG-LS", _saved(compressed, root / "compressed"))
        _measure("enhanced multi-frame", _saved([((0, 0), enhanced(data))], root / "enhanced"))


def _saved(files: Iterable[tuple[tuple[int, int], bytes]], folder: Path) -> Path:
    folder.mkdir()
    for (t, z), content in files:
        (folder / f"{t:03d}-{z:03d}").write_bytes(content)
    return folder


def _measure(name: str, source: Path) -> None:
    command = [sys.executable, "-c", LOAD, str(source)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, gigabytes, *shape = output.split()
    print(f"{name:<22} {float(seconds):6.1f} s {float(gigabytes):6.2f} GB   {' × '.join(shape)}")


if __name__ == "__main__":
    main()

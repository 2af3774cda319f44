"""Memory of the server over uploads that are opened and removed: ``python -m tools.measure_uploads [N]``.

One person uploads N series of 16, 2 and 8 slices in turn (256 × 256, 60 frames), opens each in the Lab and removes
it. Printed: the server's resident memory after each, and the last relative to the third.
"""

from __future__ import annotations

import gzip
import json
import sys

import nibabel as nib
import numpy as np

from perfcore.phantom.cases import make_demonstration
from tests.load.soak import counts
from tests.support.app_server import server
from tests.support.streamlit_client import Visitor
from tests.support.wire_frames import frames

N_SLICES = (16, 2, 8)


def series(n_slices: int) -> bytes:
    """A NIfTI file of the first demonstration, repeated to ``n_slices`` slices."""
    source = make_demonstration("m1-occlusion").series
    data = np.tile(source.data, (1, 1, 2, 1))[:, :, :n_slices].round().astype(np.int16)
    image = nib.Nifti1Image(data, source.affine)
    image.header["pixdim"][4] = source.dt_s
    image.header.set_xyzt_units("mm", "sec")
    return gzip.compress(image.to_bytes(), 1)


def main(n: int) -> None:
    contents = {n_slices: series(n_slices) for n_slices in N_SLICES}
    seen = []
    with server(app="tests/load/instrumented_app.py") as url, Visitor(url) as one:
        for turn in range(n):
            one.upload(contents[N_SLICES[turn % len(N_SLICES)]], "series.nii.gz")
            one.run("Lab")
            with one.socket() as own:
                own.send(json.dumps({"type": "case"}))
                name = frames(own.recv(60))[0][0]["name"]
            opened = counts(url)["memory_mb"]
            one.run("Cases")
            one.press("Remove")
            assert not any(
                one.WhichOneof("type") == "button" and one.button.label == "Remove" for one in one.elements
            )
            seen.append(counts(url)["memory_mb"])
            print(f"{turn + 1}: {opened:.0f} MB {name} open, {seen[-1]:.0f} MB removed", flush=True)
    print(f"last / third: {seen[-1] / seen[2]:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)

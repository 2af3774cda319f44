"""Compression of DICOM datasets in tests, by other encoders than GDCM, which the reader decodes with."""

from __future__ import annotations

import io
from collections.abc import Callable

import jpeg_ls
import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

Encoder = Callable[[np.ndarray, int], bytes]
NEAR = 2
"""Maximum error of near-lossless JPEG-LS."""


def jpeg_lossless(pixels: np.ndarray, bits: int, predictor: int = 1) -> bytes:
    """JPEG process 14 of unsigned numbers, each category coded by five bits (ISO/IEC 10918-1, annex H)."""
    rows, columns = pixels.shape
    x = pixels.astype(int)
    left, above, corner = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    left[:, 1:], above[1:], corner[1:, 1:] = x[:, :-1], x[:-1], x[:-1, :-1]
    predicted = {
        1: left, 2: above, 3: corner, 4: left + above - corner, 5: left + ((above - corner) >> 1),
        6: above + ((left - corner) >> 1), 7: (left + above) >> 1,
    }[predictor]  # fmt: skip
    predicted[0], predicted[:, 0] = left[0], above[:, 0]
    predicted[0, 0] = 1 << (bits - 1)
    code = []
    for difference in ((x - predicted + 0x8000) % 0x10000 - 0x8000).ravel().tolist():
        n = abs(difference).bit_length()
        code.append(f"{n:05b}")
        if 0 < n < 16:
            code.append(f"{difference if difference > 0 else difference + (1 << n) - 1:0{n}b}")
    text = "".join(code)
    text += "1" * (-len(text) % 8)
    scan = int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")
    size = rows.to_bytes(2, "big") + columns.to_bytes(2, "big")
    table = b"\0" + bytes([0, 0, 0, 0, 17, *[0] * 11]) + bytes(range(17))
    frame = b"\xff\xc3\0\x0b" + bytes([bits]) + size + b"\x01\x01\x11\0"
    codes = b"\xff\xc4" + (len(table) + 2).to_bytes(2, "big") + table
    start = b"\xff\xda\0\x08\x01\x01\0" + bytes([predictor]) + b"\0\0"
    return b"\xff\xd8" + frame + codes + start + scan + b"\xff\xd9"


def jpeg_2000(pixels: np.ndarray, _bits: int, *, irreversible: bool = False) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels.astype("<u2")).save(
        file, "JPEG2000", no_jp2=True, irreversible=irreversible, quality_mode="dB" if irreversible else "rates",
        quality_layers=[110] if irreversible else None,
    )  # fmt: skip
    return file.getvalue()


def jpeg_ls_code(pixels: np.ndarray, bits: int, near: int = 0) -> bytes:
    rows, columns = pixels.shape
    source = pixels.astype("<u2").tobytes()
    code = jpeg_ls.encode_pixel_data(
        source, near, rows=rows, columns=columns, samples_per_pixel=1, bits_stored=bits
    )
    return bytes(code)


def rle(pixels: np.ndarray, _bits: int) -> bytes:
    rows, columns = pixels.shape
    return RLELosslessEncoder.encode(
        pixels.astype("<u2").tobytes(), rows=rows, columns=columns, number_of_frames=1, samples_per_pixel=1,
        bits_allocated=16, bits_stored=16, pixel_representation=0, photometric_interpretation="MONOCHROME2",
        encoding_plugin="pydicom",
    )  # fmt: skip


CODECS: dict[str, tuple[UID, Encoder]] = {
    "jpeg lossless": (JPEGLosslessSV1, jpeg_lossless),
    "jpeg lossless, process 14": (JPEGLossless, lambda pixels, bits: jpeg_lossless(pixels, bits, 4)),
    "jpeg-ls": (JPEGLSLossless, jpeg_ls_code),
    "jpeg 2000": (JPEG2000Lossless, jpeg_2000),
    "run lengths": (RLELossless, rle),
}
"""Lossless codecs by name."""
LOSSY: dict[str, tuple[UID, Encoder]] = {
    "jpeg-ls near-lossless": (JPEGLSNearLossless, lambda pixels, bits: jpeg_ls_code(pixels, bits, NEAR)),
    "jpeg 2000 irreversible": (JPEG2000, lambda pixels, bits: jpeg_2000(pixels, bits, irreversible=True)),
}


def compress(dataset: Dataset, name: str) -> None:
    """Replace the native pixels of a dataset, of one frame or several, by compressed ones."""
    uid, encode = (CODECS | LOSSY)[name]
    shape = (-1, dataset.Rows, dataset.Columns)
    bits = int(dataset.BitsStored)
    frames = np.frombuffer(dataset.PixelData, "<u2").reshape(shape) & ((1 << bits) - 1)
    codes = [encode(frame, bits) for frame in frames]
    dataset.PixelData = encapsulate([code + b"\0" * (len(code) % 2) for code in codes])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = uid

"""Tests of hostile DICOM exports: refused with one message, at low cost, without quoting the content."""

from __future__ import annotations

import io
import os
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydicom.uid import EnhancedCTImageStorage

from perfcore.errors import InputDataError
from perfcore.io.dicom import files as dicom_files
from perfcore.io.dicom import pixels
from perfcore.io.dicom.elements import ReadBudget, suppress_warnings
from perfcore.io.dicom.header import SkipReason, read_images
from perfcore.io.dicom.reader import read_dicom
from tests.support import dicom_export
from tests.support.dicom_export import NAME, SIDE, as_read, bolus, clock, export, image, images, save, zipped

DATA = bolus(12, 2)
N_BYTES = SIDE * SIDE * 2
JPEG = "1.2.840.10008.1.2.4.70"
RLE = "1.2.840.10008.1.2.5"
MPEG = "1.2.840.10008.1.2.4.102"
DEFLATED = "1.2.840.10008.1.2.1.99"


def changed(change: Callable[[bytes], bytes], files: dict[str, bytes] | None = None) -> dict[str, bytes]:
    return {name: change(content) for name, content in (files or export(DATA)).items()}


def one_changed(change: Callable[[bytes], bytes]) -> dict[str, bytes]:
    files = export(DATA)
    name = sorted(files)[5]
    return files | {name: change(files[name])}


def bits(allocated: int, stored: int, high: int) -> dict[str, bytes]:
    return export(DATA, BitsAllocated=allocated, BitsStored=stored, HighBit=high)


def placed(position: Callable[[int, int], list[float]], n_slices: int = 2) -> dict[str, bytes]:
    return export(bolus(12, n_slices), ImagePositionPatient=position)


def turned_by(degrees: float) -> dict[str, bytes]:
    a = np.deg2rad(degrees)
    return export(DATA, ImageOrientationPatient=[1, 0, 0, 0, round(np.cos(a), 6), round(np.sin(a), 6)])


def patched(tag: bytes, value: bytes) -> Callable[[bytes], bytes]:
    """Put another value of the same length behind an explicit element's header."""

    def change(content: bytes) -> bytes:
        at = content.index(tag) + len(tag)
        (n,) = struct.unpack("<H", content[at : at + 2])
        return content[: at + 2] + value.ljust(n)[:n] + content[at + 2 + n :]

    return change


def pixel_length(length: int) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        at = content.index(b"\xe0\x7f\x10\0OW\0\0") + 8
        return content[:at] + struct.pack("<I", length) + content[at + 4 :]

    return change


def encrypted() -> bytes:
    content = bytearray(zipped(export(DATA)))
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


def bomb(n_megabytes: int) -> bytes:
    return zipped({"a": bytes(n_megabytes << 20)})


POSITION, ORIENTATION = b"\x20\0\x32\0DS", b"\x20\0\x37\0DS"
SPACING, SLOPE, INTERCEPT = b"\x28\0\x30\0DS", b"\x28\0\x53\x10DS", b"\x28\0\x52\x10DS"
TIME = b"\x08\0\x32\0TM"

REFUSED: dict[str, tuple[Callable[[], dict[str, bytes] | bytes], str]] = {
    "nothing": (dict, "holds no DICOM file"),
    "other files": (lambda: {"a.txt": b"hello", "b": bytes(500)}, "holds no DICOM file"),
    "no archive": (lambda: b"hello" * 50, "damaged, truncated or not a zip archive"),
    "no bytes": (lambda: b"", "damaged, truncated or not a zip archive"),
    "archive cut": (lambda: zipped(export(DATA))[:-40], "damaged, truncated or not a zip archive"),
    "archive cut at its head": (lambda: zipped(export(DATA))[9000:], "damaged, truncated or not a zip archive"),
    "archive with a password": (encrypted, "encrypted"),
    "another compression": (lambda: zipped(export(DATA), zipfile.ZIP_LZMA), "compressed in an unusual way"),
    "bomb": (lambda: bomb(300), "unpacks to 315 MB"),
    "pixels cut": (lambda: one_changed(lambda content: content[:-7]), "ends before its image does"),
    "pixels gone": (lambda: changed(lambda content: content[: -N_BYTES - 12]), "ends before its image does"),
    "pixels of another length": (lambda: one_changed(pixel_length(N_BYTES - 2)), "another image than its header"),
    "pixels of no length": (lambda: changed(pixel_length(0xFFFFFFFF)), "another image than its header"),
    "pixels of 4 GB": (lambda: one_changed(pixel_length(0xFFFFFFF0)), "another image than its header"),
    "pixels of a few rows": (lambda: export(DATA, Rows=SIDE - 3), "another image than its header"),
    "giant rows": (lambda: export(DATA, Rows=65535, Columns=65535), "65535 × 65535 pixels; at most 2048 × 2048"),
    "more rows than bytes": (lambda: export(DATA, Rows=2048, Columns=2048), "ends before its image does"),
    "no rows": (lambda: export(DATA, Rows=0), "no CT perfusion series that can be read"),
    "colours": (lambda: export(DATA, SamplesPerPixel=3), "no CT perfusion series that can be read"),
    "no positions": (lambda: export(DATA, ImagePositionPatient=None), "no CT perfusion series that can be read"),
    "not CT": (lambda: export(DATA, Modality="PT"), "no CT perfusion series that can be read"),
    "8 bits": (lambda: bits(8, 8, 7), "store 8 of 8 bits"),
    "32 bits": (lambda: bits(32, 32, 31), "store 32 of 32 bits"),
    "0 bits": (lambda: bits(16, 0, 65535), "store 0 of 16 bits"),
    "high bits": (lambda: bits(16, 12, 15), "store 12 of 16 bits up to bit 15"),
    "native pixels named jpeg": (lambda: export(DATA, claim=JPEG), "another image than its header"),
    "native pixels named run lengths": (lambda: export(DATA, claim=RLE), "another image than its header"),
    "video": (lambda: export(DATA, claim=MPEG), "compressed in a way that is not read"),
    "video in one file": (lambda: export(DATA) | {"x": image(DATA[0, 0], claim=MPEG)}, "that is not read"),
    "plain data set named deflated": (lambda: export(DATA, claim=DEFLATED), "that can be read"),
    "multi-frame": (lambda: export(DATA, SOPClassUID=EnhancedCTImageStorage), "without the position and time"),
    "many frames": (lambda: export(DATA, NumberOfFrames=60), "without the position and time"),
    "one time": (lambda: export(bolus(1, 30)), "no slice at several times"),
    "nine times": (lambda: export(bolus(9)), "has 9 frames; expected 10 or more"),
    "no times": (lambda: export(DATA, AcquisitionTime=None), "no times that distinguish its frames"),
    "empty times": (lambda: export(DATA, AcquisitionTime=""), "no times that distinguish its frames"),
    "the same time": (lambda: export(DATA, AcquisitionTime="120000"), "no times that distinguish its frames"),
    "words for times": (lambda: changed(patched(TIME, b"noon")), "no times that distinguish its frames"),
    "hours apart": (lambda: export(DATA, times=lambda t, _z: 3000.0 * t), "no times that distinguish its frames"),
    "slice after slice": (lambda: export(DATA, times=lambda t, z: t + 100.0 * z), "not acquired during the same"),
    "no change": (lambda: export(np.repeat(DATA[:1], 12, 0)), "does not change in time: its 12 frames"),
    "a gap": (lambda: placed(lambda _t, z: dicom_export.position(z + z // 3), 5), "not evenly spaced"),
    "a moving table": (lambda: placed(lambda t, z: [t, t, 5 * z]), "not evenly spaced"),
    "a steep tilt": (lambda: turned_by(50), "are tilted by 50° to their normal"),
    "slices along themselves": (lambda: turned_by(90), "not evenly spaced"),
    "no right angle": (lambda: export(DATA, ImageOrientationPatient=[1, 0, 0, 0.5, 0.866, 0]), "at right angles"),
    "no directions": (lambda: export(DATA, ImageOrientationPatient=[0] * 6), "at right angles"),
    "giant directions": (lambda: changed(patched(ORIENTATION, b"1e300\\0\\0\\0\\1\\0")), "at right angles"),
    "nan directions": (lambda: changed(patched(ORIENTATION, b"nan\\0\\0\\0\\1\\0")), "that can be read"),
    "five directions": (lambda: export(DATA, ImageOrientationPatient=[1, 0, 0, 0, 1]), "that can be read"),
    "infinitely far": (lambda: changed(patched(POSITION, b"inf\\0\\0")), "that can be read"),
    "too far": (lambda: changed(patched(POSITION, b"1e9\\0\\0")), "positions of the DICOM series are implausible"),
    "beyond all numbers": (lambda: changed(patched(POSITION, b"1e999\\0\\0")), "that can be read"),
    "no pixel size": (lambda: export(DATA, PixelSpacing=[0, 0.9]), "0 × 0.9 mm large"),
    "slices on each other": (lambda: placed(lambda _t, _z: [0, 0, 0]), "share position and time"),
    "slices far apart": (lambda: placed(lambda _t, z: [0, 0, 100 * z]), "100 mm apart"),
    "slope 0": (lambda: export(DATA, RescaleSlope=0), "rescaling of the DICOM images is 0 or implausible"),
    "big slope": (lambda: changed(patched(SLOPE, b"1e9"), export(DATA, RescaleSlope="1.0 ")), "0 or implausible"),
    "giant intercept": (lambda: changed(patched(INTERCEPT, b"1e300")), "0 or implausible"),
    "much behind the pixels": (
        lambda: one_changed(lambda content: content + b"\xfc\xff\xfc\xffOB\0\0\0\0\x50\0" + bytes(5 << 20)),
        "export the series again without attached data",
    ),
}  # fmt: skip


def refused(source: Path | bytes, part: str, **options: Any) -> None:
    with pytest.raises(InputDataError) as caught:
        read_dicom(source, **options)
    message = str(caught.value)
    assert part in message
    assert message.endswith(".")
    assert ". " not in message
    assert "\n" not in message
    assert NAME not in message


@pytest.mark.parametrize("name", REFUSED)
def test_bad_exports_are_refused(name: str, tmp_path: Path) -> None:
    make, part = REFUSED[name]
    files = make()
    refused(files if isinstance(files, bytes) else zipped(files), part)
    if isinstance(files, dict):
        refused(save(files, tmp_path), part)


def test_bad_paths_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    (tmp_path / "empty").mkdir()
    for name, part in [
        ("none", "does not exist"),
        ("pipe.zip", "neither a folder nor a regular file"),
        ("empty", "holds no DICOM file"),
        ("empty/none/none", "does not exist"),
    ]:
        refused(tmp_path / name, part)
    refused(Path("a\0b"), "does not exist")


def test_a_time_step_does_not_help_if_images_cannot_be_ordered() -> None:
    files = export(DATA, AcquisitionTime=None, InstanceNumber=1)
    refused(zipped(files), "cannot be ordered in time", dt_s=1.0)


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dicom_files, "MAX_FILES", 23)
    files = export(DATA)
    refused(save(files, tmp_path), "more than 23 files")
    refused(zipped(files), "more than 23 files")


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "MAX_STORED_BYTES", 24 * SIDE * SIDE * 2 - 1)
    refused(zipped(export(DATA)), "GB are read")


def test_links_in_an_archive_are_ignored() -> None:
    packed = io.BytesIO(zipped(export(DATA)))
    with zipfile.ZipFile(packed, "a") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("folder/", b"")
    np.testing.assert_array_equal(read_dicom(packed.getvalue()).data, as_read(DATA))


def test_zip_entry_larger_than_declared_is_refused() -> None:
    files = export(DATA)
    content = bytearray(zipped(files))
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 700)  # the table of contents, which zipfile does not verify
    refused(bytes(content), "damaged, truncated or not a zip archive")


def test_zip_entry_without_a_name() -> None:
    content = zipped(export(DATA) | {"aaaa": b""}).replace(b"aaaa", b"\0aaa")
    np.testing.assert_array_equal(read_dicom(content).data, as_read(DATA))


def test_zip_entry_with_wrong_checksum_is_refused() -> None:
    content = bytearray(zipped(export(DATA), zipfile.ZIP_STORED))
    content[content.index(b"\xe0\x7f\x10\0OW") + 500] ^= 0xFF
    refused(bytes(content), "damaged, truncated or not a zip archive")


def nested(n_items: int) -> bytes:
    """A header of empty items only, in a sequence of undefined length."""
    sound = image(DATA[0, 0])
    at = sound.index(b"\x08\0\x16\0UI")
    items = b"\xfe\xff\0\xe0\0\0\0\0" * n_items
    sequence = b"\x08\0\x06\0SQ\0\0\xff\xff\xff\xff" + items + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return sound[:at] + sequence + sound[at:]


def deep(n_levels: int) -> bytes:
    sound = image(DATA[0, 0])
    at = sound.index(b"\x08\0\x16\0UI")
    level = b"\x08\0\x06\0SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"
    return sound[:at] + level * n_levels + sound[at:]


class Blob:
    def __init__(self, content: bytes) -> None:
        self.content = content

    @property
    def n_bytes(self) -> int:
        return len(self.content)

    @property
    def seeks(self) -> bool:
        return True

    def read(self, n_bytes: int, start: int = 0) -> bytes:
        return self.content[start : start + n_bytes]


def test_header_size_is_limited() -> None:
    found = read_images(Blob(nested(20_000)), ReadBudget())
    assert not isinstance(found, SkipReason)
    assert [image.rows for image in found] == [SIDE]
    with pytest.raises(InputDataError, match="far more elements"):
        read_images(Blob(nested(20_000)), ReadBudget(10_000))
    meter = ReadBudget(1_000)
    assert not isinstance(read_images(Blob(image(DATA[0, 0])), meter), SkipReason)
    assert meter.left > 700


def test_a_deeply_nested_header_counts_as_damaged() -> None:
    assert read_images(Blob(deep(50_000)), ReadBudget()) is SkipReason.DAMAGED
    np.testing.assert_array_equal(read_dicom(zipped(export(DATA) | {"deep": deep(3000)})).data, as_read(DATA))


def test_header_of_a_deflated_bomb_is_inflated_in_part() -> None:
    stream = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    element = b"\x08\0\x06\0OB\0\0" + (200 << 20).to_bytes(4, "little")
    packed = stream.compress(element + bytes(200 << 20)) + stream.flush()
    content = image(DATA[0, 0], claim=DEFLATED)
    content = content[: content.index(b"\x08\0\x16\0UI")] + packed
    tracemalloc.start()
    with suppress_warnings():
        assert read_images(Blob(content), ReadBudget()) is SkipReason.OTHER
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_zip_bomb_is_refused_unread() -> None:
    content = bomb(300)
    start = time.process_time()
    tracemalloc.start()
    refused(content, "unpacks to")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert time.process_time() - start < 0.5


def test_oversized_central_directory_is_not_read() -> None:
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 65535, 65535, 60 << 20, 0, 0)
    content = bytes(60 << 20) + tail
    tracemalloc.start()
    refused(content, "damaged, truncated or not a zip archive")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 << 20


# Fuzz: any bytes are read or raise InputDataError

SMALL = bolus(12, 1, side=8)
FILES = [content for _, content in images(SMALL)]
BIG = [content for _, content in images(SMALL, syntax="big-endian")]
IMPLICIT = [content for _, content in images(SMALL, syntax="implicit")]
KINDS = {"explicit": FILES, "big-endian": BIG, "implicit": IMPLICIT}
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def survives(source: bytes) -> None:
    try:
        series = read_dicom(source)
    except InputDataError as error:
        message = str(error)
        assert message.endswith(".")
        assert "\n" not in message
        assert NAME not in message
    else:
        assert np.isfinite(series.data).all()
        assert np.isfinite(series.affine).all()
        assert series.dt_s > 0
        assert NAME not in str(series.warnings)


def stored(contents: list[bytes]) -> bytes:
    return zipped({str(k): content for k, content in enumerate(contents)}, zipfile.ZIP_STORED)


@FUZZ
@given(
    st.sampled_from(sorted(KINDS)),
    st.lists(st.tuples(st.integers(128, 917), st.binary(min_size=1, max_size=4)), min_size=1, max_size=6),
    st.booleans(),
)
@example("explicit", [(132 + 8, b"\xff\xff\xff\xff")], True)
def test_fuzz_bytes(kind: str, changes: list[tuple[int, bytes]], every: bool) -> None:
    contents = [bytearray(content) for content in KINDS[kind]]
    for content in contents if every else contents[3:4]:
        for at, value in changes:
            content[at : at + len(value)] = value
    survives(stored([bytes(content) for content in contents]))


@FUZZ
@given(st.sampled_from(sorted(KINDS)), st.integers(100, len(FILES[0])), st.binary(max_size=40), st.booleans())
def test_fuzz_cut_and_insert(kind: str, at: int, inserted: bytes, cut: bool) -> None:
    contents = [content[:at] + inserted + (b"" if cut else content[at:]) for content in KINDS[kind]]
    survives(stored(contents))


FIELDS = {
    "ImagePositionPatient": POSITION, "ImageOrientationPatient": ORIENTATION, "PixelSpacing": SPACING,
    "RescaleSlope": SLOPE, "RescaleIntercept": INTERCEPT, "AcquisitionTime": TIME,
}  # fmt: skip


@FUZZ
@given(
    st.sampled_from(sorted(FIELDS)),
    st.one_of(
        st.text("0123456789.-+eEinfa_\\ ", max_size=30),
        st.lists(st.floats(allow_nan=True), min_size=1, max_size=6).map(lambda own: "\\".join(map(repr, own))),
    ),
)
def test_fuzz_values(name: str, value: str) -> None:
    spare = {"AcquisitionTime": clock(0), "RescaleSlope": "1.0", "RescaleIntercept": "-1024.0"}
    contents = []
    for t, content in enumerate(FILES):
        own = content if name not in spare else image(
            SMALL[t, 0], **{"AcquisitionTime": clock(t), "SOPInstanceUID": f"1.2.{t}", name: spare[name]}
        )  # fmt: skip
        contents.append(patched(FIELDS[name], value.encode())(own))
    survives(stored(contents))


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 255)), min_size=1, max_size=6), st.booleans())
def test_fuzz_archives(changes: list[tuple[int, int]], at_end: bool) -> None:
    content = bytearray(zipped({str(k): own for k, own in enumerate(FILES)}))
    for at, value in changes:
        content[-1 - at % 900 if at_end else at % len(content)] = value
    survives(bytes(content))


@FUZZ
@given(st.binary(max_size=2000))
def test_fuzz_any_bytes(content: bytes) -> None:
    survives(content)
    survives(zipped({"a": b"\0" * 128 + b"DICM" + content, "b": FILES[0][:400] + content}))

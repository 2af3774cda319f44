"""Tests of the recognition of DICOM files without preamble or file meta information, and of other files."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfcore.io.dicom.files import holds_dicom
from perfcore.io.dicom.reader import read_dicom
from perfcore.io.dicom.signature import HEAD_BYTES, find_beginning
from perfcore.io.load import load_series
from tests.support.dicom_export import as_read, bolus, export, image, save, zipped

DATA = bolus(12, 2)
SYNTAXES = ("implicit", "explicit", "big-endian")


def data_set(content: bytes) -> bytes:
    """The data set alone."""
    n_meta = int.from_bytes(content[140:144], "little")  # File Meta Information Group Length
    return content[144 + n_meta :]


def with_meta(content: bytes) -> bytes:
    """File meta information and data set, without preamble."""
    return content[132:]


def without_meta(content: bytes) -> bytes:
    """Preamble and data set."""
    return content[:132] + data_set(content)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("cut", [data_set, with_meta, without_meta])
def test_files_without_preamble_or_meta_information(syntax: str, cut, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    files = {name: cut(content) for name, content in export(DATA, syntax=syntax).items()}
    np.testing.assert_array_equal(read_dicom(zipped(files)).data, as_read(DATA))
    folder = save(files, tmp_path)
    assert holds_dicom(folder)
    np.testing.assert_array_equal(load_series(folder).data, as_read(DATA))


def test_further_elements_before_the_sop_class() -> None:
    files = export(
        DATA, syntax="implicit", SpecificCharacterSet="ISO_IR 100", ImageType=["ORIGINAL", "PRIMARY"],
        InstanceCreationDate="20200101", InstanceCreationTime="120000", InstanceCreatorUID="1.2.3",
    )  # fmt: skip
    files = {name: data_set(content) for name, content in files.items()}
    np.testing.assert_array_equal(read_dicom(zipped(files)).data, as_read(DATA))


def other_files() -> dict[str, bytes]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a", b"a" * 3000)
    text = b"1.2.840.10008.5.1.4.1.1.2"
    return {
        "nothing": b"",
        "zeros": bytes(3000),
        "text": b"DICOM " * 800,
        "nifti": nib.Nifti1Image(np.zeros((8, 8, 8), np.uint8), np.eye(4)).to_bytes(),
        "gzip": gzip.compress(b"DICM" * 800),
        "zip": archive.getvalue(),
        "another group": b"\x09\0\x16\0" + len(text).to_bytes(4, "little") + text,
        "another UID": b"\x08\0\x16\0\x06\0\0\0" + b"1.2.3\0" + bytes(99),
        "descending": b"\x08\0\x18\0\x02\0\0\0ab" + b"\x08\0\x16\0" + len(text).to_bytes(4, "little") + text,
        "long value": b"\x08\0\x05\0\xff\xff\xff\x7f" + bytes(3000),
        "no representation": b"\x08\0\x05\0zz\x02\0ab" + b"\x08\0\x16\0UI\x19\0" + text,
        "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(300),
    }


@pytest.mark.parametrize("name", other_files())
def test_other_files_are_not_taken_for_dicom(name: str, tmp_path: Path) -> None:
    content = other_files()[name]
    assert find_beginning(content[:HEAD_BYTES]) is None
    (tmp_path / "a").write_bytes(content)
    assert not holds_dicom(tmp_path)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_any_bytes_are_recognised_or_not(content: bytes, n_kept: int) -> None:
    head = data_set(image(DATA[0, 0], syntax="implicit"))[:n_kept] + content
    found = find_beginning(head)
    assert found is None or found.start == 0

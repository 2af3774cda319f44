"""Tests of compressed DICOM images: values equal to the uncompressed series, hostile codestreams refused."""

from __future__ import annotations

import io
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames

from perfcore.errors import InputDataError
from perfcore.io.dicom.codestream import declares
from perfcore.io.dicom.decoder import FrameDecoder
from perfcore.io.dicom.pixels import MAX_SIDE
from perfcore.io.dicom.reader import read_dicom
from tests.support.dicom_codecs import CODECS, LOSSY, NEAR, compress, jpeg_lossless
from tests.support.dicom_export import N_TIME, NAME, as_read, bolus, export, images, zipped

DATA = bolus(N_TIME, 2)
PIXEL_KINDS = {
    "unsigned 12 bits": {"PixelRepresentation": 0, "BitsStored": 12, "HighBit": 11},
    "unsigned 16 bits": {"PixelRepresentation": 0},
    "signed 12 bits": {"PixelRepresentation": 1, "BitsStored": 12, "HighBit": 11},
    "signed 16 bits": {"PixelRepresentation": 1},
}


def stored(kind: str) -> np.ndarray:
    """Stored numbers that use the sign, or the highest bits."""
    return DATA - 1060 if kind.startswith("signed") else DATA + (40_000 if "16" in kind else 2_000)


@pytest.mark.parametrize("kind", PIXEL_KINDS)
@pytest.mark.parametrize("codec", CODECS)
def test_values_equal_those_of_the_uncompressed_series(codec: str, kind: str) -> None:
    data = stored(kind)
    plain = read_dicom(zipped(export(data, **PIXEL_KINDS[kind])))
    packed = read_dicom(zipped(export(data, compression=codec, **PIXEL_KINDS[kind])))
    np.testing.assert_array_equal(plain.data, as_read(data))
    np.testing.assert_array_equal(packed.data, plain.data)
    np.testing.assert_array_equal(packed.affine, plain.affine)
    assert packed.warnings == ()


@pytest.mark.parametrize("codec", LOSSY)
def test_lossy_compression_is_read_with_a_warning(codec: str) -> None:
    series = read_dicom(zipped(export(DATA, compression=codec, **PIXEL_KINDS["unsigned 12 bits"])))
    assert np.abs(series.data - as_read(DATA)).max() <= NEAR
    (flag,) = series.warnings
    assert (flag.code, flag.severity) == ("lossy_compression", "warning")
    assert f"({N_TIME * 2} of {N_TIME * 2})" in flag.sentence


def test_images_that_were_once_compressed_with_a_loss_give_the_warning() -> None:
    series = read_dicom(zipped(export(DATA, LossyImageCompression=lambda t, _z: "01" if t < 3 else "00")))
    np.testing.assert_array_equal(series.data, as_read(DATA))
    assert f"(6 of {N_TIME * 2})" in series.warnings[0].sentence


def test_codestream_in_several_fragments() -> None:
    files = {}
    for name, content in export(DATA, compression="jpeg lossless", PixelRepresentation=0).items():
        dataset = pydicom.dcmread(io.BytesIO(content))
        (code,) = generate_frames(dataset.PixelData, number_of_frames=1)
        dataset.PixelData = pydicom.encaps.encapsulate([code], fragments_per_frame=3, has_bot=False)
        out = io.BytesIO()
        dataset.save_as(out)
        files[name] = out.getvalue()
    np.testing.assert_array_equal(read_dicom(zipped(files)).data, as_read(DATA))


def test_jpeg_extended_of_twelve_bits() -> None:
    """A real file; the numbers are those that pydicom's own tests expect of it."""
    dataset = pydicom.dcmread(str(get_testdata_file("JPGExtended.dcm")))
    (code,) = generate_frames(dataset.PixelData, number_of_frames=1)
    assert declares(code, "jpeg", dataset.Rows, dataset.Columns)
    decoder = FrameDecoder()
    pixels = decoder.decode(
        code, str(dataset.file_meta.TransferSyntaxUID), dataset.Rows, dataset.Columns, 12, signed=False
    )
    decoder.close()
    values = np.frombuffer(pixels, "<u2").reshape(dataset.Rows, dataset.Columns)
    assert (values[420, 140], values[230, 120]) == (244, 95)


def test_every_predictor_of_jpeg_lossless() -> None:
    decoder = FrameDecoder()
    for predictor in range(1, 8):
        code = jpeg_lossless(DATA[0, 0], 12, predictor)
        pixels = decoder.decode(code, "1.2.840.10008.1.2.4.57", *DATA.shape[2:], 12, signed=False)
        np.testing.assert_array_equal(np.frombuffer(pixels, "<u2").reshape(DATA.shape[2:]), DATA[0, 0])
    decoder.close()


# Deflate


def deflated(content: bytes) -> bytes:
    """The same file with its data set deflated (PS3.5, A.5)."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def test_deflated_data_sets() -> None:
    files = {name: deflated(content) for name, content in export(DATA).items()}
    assert sum(map(len, files.values())) < 0.9 * sum(map(len, export(DATA).values()))
    series = read_dicom(zipped(files))
    np.testing.assert_array_equal(series.data, as_read(DATA))
    assert series.warnings == ()


def test_a_deflated_bomb_is_refused_at_low_cost() -> None:
    """Pixels that inflate to 500 times their image: the rest is not inflated."""
    files = {f"{at}": deflated(content) for at, content in images(DATA)}
    content = dict(images(DATA))[3, 1]
    at, behind = content.index(b"\x08\0\x16\0UI"), content.index(b"\xe0\x7f\x10\0OW") + 8
    stream = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    packed = (
        stream.compress(content[at:behind] + (200 << 20).to_bytes(4, "little") + bytes(200 << 20)) + stream.flush()
    )
    n_meta = int.from_bytes(files["(3, 1)"][140:144], "little")  # File Meta Information Group Length
    files["(3, 1)"] = files["(3, 1)"][: 144 + n_meta] + packed
    tracemalloc.start()
    with pytest.raises(InputDataError, match="another image than its header"):
        read_dicom(zipped(files))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


# Hostile codestreams


def with_code(change: Callable[[bytes], bytes], codec: str) -> bytes:
    """A series of native images, one of them compressed and its codestream changed."""
    files = {f"{at}": content for at, content in images(DATA, PixelRepresentation=0)}
    dataset = pydicom.dcmread(io.BytesIO(files["(3, 1)"]))
    compress(dataset, codec)
    (code,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = pydicom.encaps.encapsulate([change(code)])
    out = io.BytesIO()
    dataset.save_as(out)
    return zipped(files | {"(3, 1)": out.getvalue()})


def test_one_compressed_image_among_native_ones() -> None:
    series = read_dicom(with_code(lambda code: code, "jpeg lossless"))
    np.testing.assert_array_equal(series.data, as_read(DATA))


def test_scan_that_ends_before_its_image_does_is_refused() -> None:
    with pytest.raises(InputDataError, match="damaged and cannot be decoded"):
        read_dicom(with_code(lambda code: code[:400] + b"\xff\xd9", "jpeg lossless"))


@pytest.mark.parametrize("codec", ["jpeg lossless", "jpeg-ls", "jpeg 2000", "run lengths"])
def test_truncated_codestream_is_refused(codec: str) -> None:
    for n_kept in (3, 30, 300):
        with pytest.raises(InputDataError, match="another image than its header"):
            read_dicom(with_code(lambda code, n=n_kept: code[:n], codec))


@pytest.mark.parametrize("codec", ["jpeg lossless", "jpeg-ls", "jpeg 2000"])
@pytest.mark.parametrize("size", [(60_000, 60_000), (32, 33), (16, 32), (0, 32)])
def test_codestream_of_another_size_is_not_decoded(
    codec: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def resized(code: bytes) -> bytes:
        rows, columns = size
        if codec == "jpeg 2000":
            return code[:8] + columns.to_bytes(4, "big") + rows.to_bytes(4, "big") + code[16:]
        at = code.index(b"\xff\xf7" if codec == "jpeg-ls" else b"\xff\xc3") + 5
        return code[:at] + rows.to_bytes(2, "big") + columns.to_bytes(2, "big") + code[at + 4 :]

    monkeypatch.setattr(FrameDecoder, "decode", lambda *_a, **_k: pytest.fail("was decoded"))
    with pytest.raises(InputDataError, match="another image than its header"):
        read_dicom(with_code(resized, codec))


def test_run_lengths_that_expand_beyond_their_image_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FrameDecoder, "decode", lambda *_a, **_k: pytest.fail("was decoded"))
    with pytest.raises(InputDataError, match="another image than its header"):
        read_dicom(with_code(lambda code: code + b"\x81\0" * 2000, "run lengths"))


def test_an_item_longer_than_the_file_is_refused() -> None:
    files = {f"{at}": own for at, own in images(DATA, compression="run lengths")}
    at = files["(3, 1)"].rindex(b"\xfe\xff\x00\xe0") + 4
    files["(3, 1)"] = files["(3, 1)"][:at] + b"\xf0\xff\xff\xff" + files["(3, 1)"][at + 4 :]
    with pytest.raises(InputDataError, match="another image than its header"):
        read_dicom(zipped(files))


def test_the_decoder_outlives_its_process() -> None:
    code = jpeg_lossless(DATA[0, 0], 12)
    decoder = FrameDecoder()
    arguments = (code, "1.2.840.10008.1.2.4.70", *DATA.shape[2:], 12)
    assert decoder.decode(*arguments, signed=False)
    process = decoder._process
    assert process is not None
    process.kill()
    process.wait()
    assert decoder.decode(*arguments, signed=False) == b""
    assert decoder.decode(*arguments, signed=False)
    decoder.close()
    decoder.close()


def test_mutated_codestreams_end_at_most_the_decoder_process() -> None:
    """GDCM aborts or crashes on some of these: it may only cost the image."""
    decoder = FrameDecoder()
    for codec, kind in (("jpeg lossless", "jpeg"), ("jpeg-ls", "jpeg-ls"), ("jpeg 2000", "jpeg-2000")):
        uid, encode = CODECS[codec]
        code = encode(DATA[0, 0], 12)
        n_decoded = 0
        for seed in range(60):
            rng = np.random.default_rng(seed)
            mutated = bytearray(code)
            for at in rng.integers(24, len(code) - 2, rng.integers(1, 5)):
                mutated[at] = rng.integers(256)
            if declares(bytes(mutated), kind, 32, 32):
                pixels = decoder.decode(bytes(mutated), str(uid), 32, 32, 12, signed=False)
                assert len(pixels) in (0, 2 * 32 * 32)
                n_decoded += 1
        assert n_decoded > 20
        assert decoder.decode(code, str(uid), 32, 32, 12, signed=False) == DATA[0, 0].astype("<u2").tobytes()
    decoder.close()


SMALL = bolus(12, 1, side=8)
FUZZED = {
    codec: [content for _, content in images(SMALL, compression=codec, PixelRepresentation=0)]
    for codec in ("jpeg lossless", "jpeg-ls", "jpeg 2000", "run lengths")
}


@pytest.fixture
def one_decoder() -> Iterator[None]:
    """One decoder process for all series, which saves its start."""
    shared, decode = FrameDecoder(), FrameDecoder.decode
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FrameDecoder, "decode", lambda _self, *args, **options: decode(shared, *args, **options))
        yield
    shared.close()


@pytest.mark.usefixtures("one_decoder")
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(sorted(FUZZED)),
    st.lists(st.tuples(st.integers(0, 400), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4),
    st.booleans(),
)
def test_fuzzed_files_are_read_or_refused(codec: str, changes: list[tuple[int, bytes]], every: bool) -> None:
    contents = [bytearray(content) for content in FUZZED[codec]]
    for content in contents if every else contents[3:4]:
        for at, value in changes:
            content[len(content) - 1 - at : len(content) - 1 - at + len(value)] = value
    try:
        series = read_dicom(zipped({str(k): bytes(content) for k, content in enumerate(contents)}))
    except InputDataError as error:
        assert str(error).endswith(".")
        assert NAME not in str(error)
    else:
        assert np.isfinite(series.data).all()


def test_memory_and_processor_time_of_the_decoder_are_limited() -> None:
    """The limits of the process that decodes, as the operating system knows them (Linux)."""
    decoder = FrameDecoder()
    assert decoder.decode(
        jpeg_lossless(DATA[0, 0], 12), "1.2.840.10008.1.2.4.70", *DATA.shape[2:], 12, signed=False
    )
    assert decoder._process is not None
    limits = Path(f"/proc/{decoder._process.pid}/limits")
    decoder_limits = limits.read_text() if limits.exists() else ""
    decoder.close()
    if not decoder_limits:
        pytest.skip("no /proc")
    assert f"Max address space         {1 << 30}" in decoder_limits
    assert "Max core file size        0" in decoder_limits


def test_the_largest_image_fits_the_limits_of_the_decoder() -> None:
    pixels = np.random.default_rng(0).integers(0, 4096, (MAX_SIDE, MAX_SIDE)).astype(np.uint16)
    decoder = FrameDecoder()
    uid, encode = CODECS["jpeg 2000"]  # needs the most memory
    decoded = decoder.decode(encode(pixels, 12), str(uid), MAX_SIDE, MAX_SIDE, 12, signed=False)
    decoder.close()
    assert decoded == pixels.tobytes()

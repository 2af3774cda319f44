"""The fused path: the same numbers as the plain product and its maximum, without the product."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from perfcore.deconvolution.fused import WIDTH, Tiles, peak, peak_and_late, peak_and_time, refined_row
from perfcore.deconvolution.inverse import build_operator
from perfcore.errors import ArgumentError
from perfcore.settings import Settings
from tests.support import oracle
from tests.support.oracle import FORMS

few = hypothesis_settings(max_examples=15, deadline=None, derandomize=True)
one_thread = pytest.fixture(autouse=True, scope="module")(oracle.one_thread)
every_form = pytest.mark.parametrize("form", FORMS, ids=str)


def tag(n_rows):
    """The row's number in the lowest bits of a float32 hides relative differences below this: 2⁻¹⁶ for 75 rows."""
    return 2.0 ** ((n_rows - 1).bit_length() - 23)


ROUNDING = 2e-6
"""Of a float32 product of up to 150 terms that cancel in part, relative to its largest value."""


def random(shape, dtype=torch.float64, seed=0):
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def voxels(n, n_time, dtype=torch.float64, seed=0):
    """Noisy tissue curves of many transit times and delays."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 60, n_time, endpoint=False)
    kinds = [oracle.tissue(time, mtt, d) for mtt in (3, 5, 8, 14) for d in (-2.2, 0, 1.7, 5)]
    c = np.stack([kinds[i] for i in rng.integers(len(kinds), size=n)])
    return torch.tensor(c / 60 + rng.normal(0, 0.5, c.shape), dtype=dtype)


def operator(n_time, form=("circulant", "volterra", "tikhonov")):
    time = np.linspace(0, 60, n_time, endpoint=False)
    return build_operator(torch.tensor(oracle.gamma_variate(time)), 60 / n_time, Settings(*form))


# Tiling


@few
@given(n=st.integers(1, 40), n_time=st.integers(1, 12), width=st.integers(1, 17))
def test_tiles_contain_every_curve_and_zero_padding(n, n_time, width):
    c = random((n, n_time))
    tiles = Tiles.from_curves(c, width)
    assert tiles.data.shape == (-(-n // width), n_time, width)
    assert tiles.data.is_contiguous()
    assert tiles.n_voxels == n
    flat = tiles.data.transpose(1, 2).reshape(-1, n_time)
    assert torch.equal(flat[:n], c)
    assert not flat[n:].any()


@few
@given(data=st.data(), n=st.integers(1, 60), width=st.integers(1, 17))
def test_tile_window_covers_its_voxels(data, n, width):
    start = data.draw(st.integers(0, n - 1))
    stop = data.draw(st.integers(start + 1, n))
    matrix, tiles = random((7, 5)), Tiles.from_curves(random((n, 5), seed=1), width)
    part, where = tiles.window(start, stop)
    assert torch.equal(peak(matrix, part)[where], peak(matrix, tiles)[start:stop])
    rows = peak_and_time(matrix, part)[1][where], peak_and_time(matrix, tiles)[1][start:stop]
    np.testing.assert_array_equal(*rows)  # NaN equals NaN
    assert part.data.shape[0] <= (stop - start + 2 * width - 2) // width  # and no tile beyond
    assert part.data.data_ptr() == tiles.data[start // width].data_ptr()  # a view


# The peak


@pytest.mark.parametrize("n", [1, WIDTH - 1, WIDTH, WIDTH + 1, 2 * WIDTH + 123])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_peak_equals_maximum_of_dense_product(n, dtype):
    c, P = voxels(n, 60, dtype), operator(60).matrix
    found = peak(P, Tiles.from_curves(c))
    assert found.shape == (n,)
    assert found.dtype == dtype
    expected = (P @ c.double().mT).amax(0)
    assert oracle.relative(found, expected) < (ROUNDING if dtype == torch.float32 else 1e-13)


@every_form
@pytest.mark.parametrize("n_time", [10, 43, 64, 150])
def test_peak_and_row_match_numpy_reference(form, n_time):
    c, P = voxels(200, n_time), operator(n_time, form).matrix
    c[7], c[8] = 0.0, -c[8].abs()
    top, row = peak_and_time(P, Tiles.from_curves(c, 64))
    assert torch.equal(top, peak(P, Tiles.from_curves(c, 64)))
    for voxel in range(200):
        expected, at = oracle.peak_and_row(P.numpy() @ c[voxel].numpy())
        assert float(top[voxel]) == pytest.approx(expected, rel=1e-11, abs=1e-14)
        # a flat top magnifies rounding: the vertex is a quotient of second differences
        assert float(row[voxel]) == pytest.approx(at, abs=1e-6, nan_ok=True)
    assert top[7] == 0
    assert torch.isnan(row[7])


@every_form
@pytest.mark.parametrize("row", [-3.0, 0.0, 0.4, 12.5, 21.0, 21.3, 24.5, 57.8, 500.0])
def test_late_equals_refined_row_beyond_a_row(form, row):
    c, P = voxels(400, 43), operator(43, form).matrix
    c[7], c[8] = 0.0, -c[8].abs()
    tiles = Tiles.from_curves(c, 64)
    top, at = peak_and_time(P, tiles)
    found, late = peak_and_late(P, tiles, row)
    assert torch.equal(found, top)
    clear = (at == row) | ~((at - row).abs() < 1e-9)  # the vertex rounds differently
    assert torch.equal(late[clear], (at > row)[clear])
    assert clear.float().mean() > 0.95


@every_form
@pytest.mark.parametrize("n_time", [10, 64, 150])
def test_float32_row_equals_argmax_except_at_ties(form, n_time):
    n = WIDTH + 50
    P, c = operator(n_time, form).matrix, voxels(n, n_time, torch.float32, seed=n_time)
    k = P @ c.double().mT
    assert k.shape[0] <= 256
    top, row = peak_and_time(P, Tiles.from_curves(c))
    best, index = k.max(0)
    positive = best > 1e-3 * best.max()
    assert positive.float().mean() > 0.9
    chosen = row.round().long().clamp(0, k.shape[0] - 1)
    # The vertex may lie half a row off: then the row is the one beside it, and its value is checked too.
    near = torch.stack([(chosen + o).clamp(0, k.shape[0] - 1) for o in (-1, 0, 1)])
    values = k.gather(0, near).amax(0)
    close = values >= best * (1 - tag(len(k))) - ROUNDING * best.max()
    assert close[positive].all()
    ranked = k.sort(0, descending=True).values
    clear = positive & (ranked[0] - ranked[1] > tag(len(k)) * best + ROUNDING * best.max())
    assert clear.float().mean() > 0.8
    assert ((row - index).abs() <= 0.5)[clear].all()
    assert oracle.relative(top[positive], best[positive]) < ROUNDING


@pytest.mark.parametrize("n_rows", [3, 4, 127, 128, 129, 200, 256, 257, 300])
def test_row_of_a_single_spike_is_exact_for_any_row_count(n_rows):
    """The identity as operator: every row in turn, at every size of the tag."""
    values = torch.full((n_rows, n_rows), 1e-3) + torch.eye(n_rows) * torch.linspace(0.5, 900, n_rows)
    top, row = peak_and_time(torch.eye(n_rows), Tiles.from_curves(values, 16))
    assert torch.equal(row, torch.arange(n_rows, dtype=torch.float32))
    assert torch.equal(top, values.amax(1))


@pytest.mark.parametrize("n_rows", [45, 75, 128, 165, 256])
def test_argmax_separates_peaks_that_differ_by_more_than_the_tag(n_rows):
    """Two peaks far apart, of any size; the larger one first or last."""
    small = torch.logspace(-3, 3, 200)
    large = small * (1 + 2 * tag(n_rows))
    for first, last, at in ((small, large, n_rows - 6), (large, small, 5)):
        k = torch.zeros(200, n_rows)
        k[:, 5], k[:, n_rows - 6] = first, last
        top, row = peak_and_time(torch.eye(n_rows), Tiles.from_curves(k, 64))
        assert torch.equal(row, torch.full((200,), float(at)))
        assert torch.equal(top, large)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tmax_is_nan_without_a_positive_peak(dtype):
    k = torch.tensor(
        [[0, 0, 0, 0], [-1, -3, -2, -5], [-1, 0, -2, -3], [-1, 2, 1, 0], [3, 2, 1, 0], [0, 1, 2, 3]], dtype=dtype
    )
    top, row = peak_and_time(torch.eye(4, dtype=dtype), Tiles.from_curves(k, 4))
    assert top.tolist() == [0, -1, 0, 2, 3, 3]
    assert torch.isnan(row[:3]).all()
    # vertex of (−1, 2, 1): ½·(−1 − 1)/(−1 − 4 + 1); at either end the row itself
    assert row[3:].tolist() == [1.25, 0, 3]


def test_nan_affects_only_its_own_voxel():
    c = voxels(20, 43, torch.float32)
    P = operator(43).matrix
    clean = peak_and_time(P, Tiles.from_curves(c, 8))
    c[5, 3] = torch.nan
    top, row = peak_and_time(P, Tiles.from_curves(c, 8))
    others = torch.arange(20) != 5
    assert torch.isnan(top[5])
    assert torch.isnan(row[5])
    for found, before in zip((top, row), clean, strict=True):
        np.testing.assert_allclose(found[others], before[others], rtol=1e-5)


@few
@given(
    centre=st.floats(1, 8),
    height=st.floats(0.5, 5),
    curvature=st.floats(0.01, 0.05),
)
def test_refined_peak_of_a_parabola_is_exact(centre, height, curvature):
    k = height - curvature * (torch.arange(10, dtype=torch.float64)[:, None] - centre) ** 2
    top, index = k.max(0)
    inside = 0.5 <= centre <= 8.5
    assert inside
    assert float(refined_row(k, index, top)[0]) == pytest.approx(centre, abs=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_refined_peak_of_a_plateau_lies_on_the_plateau(dtype):
    k = torch.tensor([[0.0, 1, 1, 1, 0], [0, 1, 1, 0, 0]], dtype=dtype)
    _, row = peak_and_time(torch.eye(5, dtype=dtype), Tiles.from_curves(k, 2))
    assert 1 <= row[0] <= 3
    assert row[1] == 1.5


# Gradients


def plain_peak(P, c):
    return (P @ c.mT).amax(0)


@every_form
def test_fused_gradient_equals_dense_gradient(form):
    P = operator(43, form).matrix.clone().requires_grad_()
    c = voxels(150, 43).requires_grad_()
    weight = random(150, seed=3)
    fused = torch.autograd.grad((peak(P, Tiles.from_curves(c, 64)) * weight).sum(), (P, c))
    plain = torch.autograd.grad((plain_peak(P, c) * weight).sum(), (P, c))
    for x, y in zip(fused, plain, strict=True):
        assert oracle.relative(x, y) < 1e-13


def test_float32_gradient_at_full_tile_width():
    P = operator(60).matrix.float().clone().requires_grad_()
    c = voxels(WIDTH + 77, 60, torch.float32)
    weight = random(WIDTH + 77, torch.float32, seed=3)
    (fused,) = torch.autograd.grad((peak(P, Tiles.from_curves(c)) * weight).sum(), P)
    k = P.detach().double() @ c.double().mT
    # float32 may choose another row where two tie; those voxels' terms are bounded by the tie itself
    ranked = k.sort(0, descending=True).values
    clear = ranked[0] - ranked[1] > ROUNDING * ranked[0].abs().max()
    assert clear.float().mean() > 0.95
    W = torch.where(clear, weight, 0)
    (fused,) = torch.autograd.grad((peak(P, Tiles.from_curves(c)) * W).sum(), P)
    Q = P.detach().double().requires_grad_()
    (plain,) = torch.autograd.grad((plain_peak(Q, c.double()) * W).sum(), Q)
    assert oracle.relative(fused, plain) < 1e-5  # sums of 4173 terms of mixed sign


@every_form
def test_gradcheck_of_operator_and_tissue(form):
    P = operator(10, form).matrix.clone().requires_grad_()
    c = voxels(5, 10).requires_grad_()
    ranked = (P @ c.mT).sort(0, descending=True).values
    assert (ranked[0] - ranked[1]).min() > 1e-4 * ranked[0].max()  # no maximum changes rows
    assert torch.autograd.gradcheck(lambda p, x: peak(p, Tiles.from_curves(x, 2)), (P, c))


def test_gradcheck_of_aif():
    a = torch.tensor(oracle.gamma_variate(np.arange(10) * 6.0), requires_grad=True)
    c = Tiles.from_curves(voxels(6, 10), 4)
    assert torch.autograd.gradcheck(lambda x: peak(build_operator(x, 6.0, Settings()).matrix, c), (a,))


def test_padding_and_empty_voxels_have_zero_operator_gradient():
    P = operator(43).matrix.clone().requires_grad_()
    c = voxels(9, 43)
    with_zeros = torch.cat([c, torch.zeros(5, 43, dtype=c.dtype)])
    gradients = [torch.autograd.grad(peak(P, Tiles.from_curves(x, 8)).sum(), P)[0] for x in (c, with_zeros)]
    assert oracle.relative(*gradients) < 1e-14


def test_scratch_buffer_is_not_shared_between_results():
    """The scratch is reused from call to call; nothing that was returned may lie in it."""
    tiles = Tiles.from_curves(voxels(50, 43), 16)
    P = operator(43).matrix.clone().requires_grad_()
    Q = operator(43, ("circulant", "volterra", "tsvd")).matrix
    first = peak(P, tiles)
    kept = first.detach().clone()
    second = peak(Q, tiles)
    top, _ = peak_and_time(Q, tiles)
    assert torch.equal(first.detach(), kept)
    assert torch.equal(second, top)
    (gradient,) = torch.autograd.grad(first.sum(), P)
    (alone,) = torch.autograd.grad(peak(P, tiles).sum(), P)
    assert torch.equal(gradient, alone)


# Memory


class LargestAllocation(TorchDispatchMode):
    """Records the largest storage that any operation made anew."""

    def __init__(self, *known):
        super().__init__()
        self.known = {x.untyped_storage().data_ptr() for x in known}
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for x in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(x, torch.Tensor) and x.untyped_storage().data_ptr() not in self.known:
                self.elements = max(self.elements, x.untyped_storage().nbytes() // x.element_size())
        return out


def test_allocation_recorder_detects_dense_product():
    P, c = operator(43).matrix, voxels(1000, 43)
    with LargestAllocation(P, c) as seen:
        plain_peak(P, c)
    assert seen.elements == 1000 * P.shape[0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_fused_peak_allocates_no_dense_residue_array(dtype):
    n, width = 5000, 64
    P = operator(43).matrix.to(dtype).requires_grad_()
    tiles = Tiles.from_curves(voxels(n, 43, dtype), width)
    with LargestAllocation(P, tiles.data) as seen:
        peak_and_time(P, tiles)
        peak(P, tiles).sum().backward()
    n_padded = tiles.data.shape[0] * width
    assert seen.elements == max(n_padded, P.shape[0] * width)  # one value per voxel, or one tile of k


# Errors


def test_shape_error_names_the_given_shapes():
    with pytest.raises(ArgumentError, match=r"Tissue has shape \(n_voxels, n_time\); got \(2, 3, 4\)"):
        Tiles.from_curves(torch.rand(2, 3, 4))
    with pytest.raises(ArgumentError, match=r"Tissue has shape \(n_voxels, n_time\); got \(5,\)"):
        Tiles.from_curves(torch.rand(5))
    tiles = Tiles.from_curves(torch.rand(7, 12), 4)
    for function in (peak, peak_and_time):
        with pytest.raises(ArgumentError, match="The tissue has 12 time points; the AIF has 11"):
            function(torch.rand(20, 11), tiles)


@pytest.mark.parametrize("n", [700, 64])
def test_results_are_bitwise_equal_for_any_thread_count(n):
    P, tiles = operator(43).matrix.float().requires_grad_(), Tiles.from_curves(voxels(n, 43, torch.float32), 16)

    def results(pool=None):
        top = peak(P, tiles, pool)
        (gradient,) = torch.autograd.grad(top.square().sum(), P)
        return [top.detach(), gradient, *peak_and_time(P, tiles)]

    alone = results()
    with ThreadPoolExecutor(3) as pool:
        helped = results(pool)
    torch.set_num_threads(2)
    try:
        together = results()
    finally:
        torch.set_num_threads(1)
    for one, two, three in zip(alone, helped, together, strict=True):
        torch.testing.assert_close(two, one, rtol=0, atol=0, equal_nan=True)
        torch.testing.assert_close(three, one, rtol=0, atol=0, equal_nan=True)

"""Height and soft time of k(t)'s maximum without k(t): against the dense way, and its gradient."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from perfcore.deconvolution.fused import Tiles, peak, peak_and_time
from perfcore.deconvolution.fused_soft_argmax import peak_and_soft_time, peak_and_times
from perfcore.deconvolution.inverse import build_operator
from perfcore.errors import ArgumentError
from perfcore.maps import TMAX_SOFTNESS, soft_tmax
from perfcore.settings import Settings
from tests.support import oracle

TIME = np.arange(30.0)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    yield from oracle.one_thread()


def tissue(n, seed=0, noise=0.3):
    """Curves of all kinds of delay and transit, with noise so that no two rows of k tie."""
    rng = np.random.default_rng(seed)
    curves = [oracle.tissue(TIME, rng.uniform(2, 15), rng.uniform(0, 9)) for _ in range(n)]
    return torch.tensor(np.stack(curves) * rng.uniform(0.002, 0.01, (n, 1)) * 10 + rng.normal(0, noise, (n, 30)))


def operator(settings=None):
    return build_operator(torch.tensor(oracle.gamma_variate(TIME)), 1.0, settings or Settings())


def cotangent(n, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(n, dtype=torch.float64, generator=generator) for _ in range(2)]


@pytest.mark.parametrize("form", ["circulant", "causal"])
@pytest.mark.parametrize("softness", [0.02, TMAX_SOFTNESS, 0.3])
def test_fused_result_equals_maximum_and_soft_tmax_of_dense_k(form, softness):
    built, curves = operator(Settings(deconvolution=form)), tissue(23)
    top, when = peak_and_soft_time(built.matrix, Tiles.from_curves(curves, 5), built.time_s, softness)
    k = curves @ built.matrix.mT
    torch.testing.assert_close(top, k.amax(-1), rtol=1e-13, atol=0)
    torch.testing.assert_close(when, soft_tmax(k, built.time_s, softness), rtol=0, atol=1e-11)


@pytest.mark.parametrize("form", ["circulant", "causal"])
def test_fused_gradient_equals_dense_gradient(form):
    built, curves = operator(Settings(deconvolution=form)), tissue(23)
    g_top, g_when = cotangent(23)
    gradients = []
    for dense in (False, True):
        matrix = built.matrix.clone().requires_grad_()
        if dense:
            k = curves @ matrix.mT
            top, when = k.amax(-1), soft_tmax(k, built.time_s)
        else:
            top, when = peak_and_soft_time(matrix, Tiles.from_curves(curves, 5), built.time_s, TMAX_SOFTNESS)
        gradients.append(torch.autograd.grad((top * g_top + when * g_when).sum(), matrix)[0])
    assert oracle.relative(gradients[0], gradients[1]) < 1e-12


@pytest.mark.parametrize("form", ["circulant", "causal"])
@pytest.mark.parametrize("softness", [None, TMAX_SOFTNESS])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_are_those_of_the_maps(form, softness, dtype):
    built, curves = operator(Settings(deconvolution=form)), tissue(23).to(dtype)
    curves[4] = 0
    top, when, row = peak_and_times(built.matrix, Tiles.from_curves(curves, 5), built.time_s, softness)
    expected = peak_and_time(built.matrix, Tiles.from_curves(curves, 5))
    assert (when is None) is (softness is None)
    torch.testing.assert_close(top, expected[0], rtol=0, atol=0)
    torch.testing.assert_close(row, expected[1], rtol=0, atol=1e-4, equal_nan=True)
    assert not row.requires_grad


@pytest.mark.parametrize("n_rows", [1, 2, 3])
def test_short_operators_have_a_row(n_rows):
    k = torch.tensor([[1.0, 0.5, 0.2], [0.3, 2.0, 0.4], [0.1, 0.2, 3.0], [float("nan")] * 3])[:, :n_rows]
    matrix, tiles, time = torch.eye(n_rows), Tiles.from_curves(k, 2), torch.arange(float(n_rows))
    _, _, row = peak_and_times(matrix, tiles, time, None)
    torch.testing.assert_close(row, peak_and_time(matrix, tiles)[1], equal_nan=True)


def test_gradient_of_the_maximum_alone_is_that_of_peak():
    built, tiles = operator(), Tiles.from_curves(tissue(23), 5)
    g_top, _ = cotangent(23)
    gradients = []
    for way in (lambda m: peak_and_times(m, tiles, built.time_s, None)[0], lambda m: peak(m, tiles)):
        matrix = built.matrix.clone().requires_grad_()
        gradients.append(torch.autograd.grad((way(matrix) * g_top).sum(), matrix)[0])
    assert oracle.relative(gradients[0], gradients[1]) < 1e-13


def test_kept_softmax_gives_the_same_gradient():
    built, tiles = operator(), Tiles.from_curves(tissue(23), 5)
    g_top, g_when = cotangent(23)
    results = []
    for keep in (False, True):
        matrix = built.matrix.clone().requires_grad_()
        top, when, _ = peak_and_times(matrix, tiles, built.time_s, TMAX_SOFTNESS, keep=keep)
        results.append((top, when, *torch.autograd.grad((top * g_top + when * g_when).sum(), matrix)))
    for kept, again in zip(results[1], results[0], strict=True):
        assert oracle.relative(kept.detach(), again.detach()) < 1e-13


def test_a_softmax_that_was_replaced_has_no_gradient():
    """Never the gradient of another curve."""
    built, tiles = operator(), Tiles.from_curves(tissue(23), 5)
    matrix = built.matrix.clone().requires_grad_()
    top, when, _ = peak_and_times(matrix, tiles, built.time_s, TMAX_SOFTNESS, keep=True)
    peak_and_times(2 * built.matrix.flip(0), tiles, built.time_s, TMAX_SOFTNESS, keep=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        (top + when).sum().backward()


def test_gradcheck_of_operator_and_tissue():
    built = operator()
    curves = tissue(12)
    first, second = (curves @ built.matrix.mT).topk(2, -1).values.unbind(-1)
    clear = first - second > 2.5e-6 * curves.abs().amax(-1)  # the maximum stays where it is
    assert int(clear.sum()) >= 8
    tiles = Tiles.from_curves(curves[clear], 3)
    matrix = built.matrix.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: peak_and_soft_time(p, tiles, built.time_s, 0.2), (matrix,))


def test_gradcheck_of_aif():
    """Through the deconvolution, as training needs it."""
    curves = Tiles.from_curves(tissue(4)[:, ::2], 3)
    aif = torch.tensor(oracle.gamma_variate(TIME[::2]) + 0.1, requires_grad=True)

    def through(a):
        built = build_operator(a, 2.0, Settings())
        return peak_and_soft_time(built.matrix, curves, built.time_s, 0.2)

    assert torch.autograd.gradcheck(through, (aif,))


@pytest.mark.parametrize("width", [1, 4, 23, 64])
def test_results_are_independent_of_tile_width(width):
    built, curves = operator(), tissue(23)
    g_top, g_when = cotangent(23)
    results = []
    for tiles in (Tiles.from_curves(curves, 7), Tiles.from_curves(curves, width)):
        matrix = built.matrix.clone().requires_grad_()
        top, when = peak_and_soft_time(matrix, tiles, built.time_s, TMAX_SOFTNESS)
        assert top.shape == when.shape == (23,)
        results.append((top, when, *torch.autograd.grad((top * g_top + when * g_when).sum(), matrix)))
    for found, expected in zip(*results, strict=True):
        assert oracle.relative(found.detach(), expected.detach()) < 1e-12


def test_results_are_independent_of_thread_count():
    built, tiles = operator(), Tiles.from_curves(tissue(23), 4)
    g_top, g_when = cotangent(23)
    gradients = []
    with ThreadPoolExecutor(2) as threads:
        for pool in (None, threads):
            matrix = built.matrix.clone().requires_grad_()
            top, when = peak_and_soft_time(matrix, tiles, built.time_s, TMAX_SOFTNESS, pool)
            gradients.append(torch.autograd.grad((top * g_top + when * g_when).sum(), matrix)[0])
    assert oracle.relative(gradients[1], gradients[0]) < 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_voxel_without_signal_has_mean_time_and_zero_gradient(dtype):
    """No 0·∞ = NaN in the gradient: brain masks contain such voxels."""
    built, curves = operator(), tissue(6).to(dtype)
    curves[2] = 0
    matrix = built.matrix.to(dtype).requires_grad_()
    top, when = peak_and_soft_time(matrix, Tiles.from_curves(curves, 4), built.time_s, TMAX_SOFTNESS)
    assert top[2].item() == 0
    assert when[2].item() == pytest.approx(built.time_s.mean().item(), rel=1e-5)
    (with_it,) = torch.autograd.grad(100 * (top.sum() + when.sum()), matrix)
    others = [0, 1, 3, 4, 5]
    matrix = built.matrix.to(dtype).requires_grad_()
    top, when = peak_and_soft_time(matrix, Tiles.from_curves(curves[others], 4), built.time_s, TMAX_SOFTNESS)
    (without,) = torch.autograd.grad(100 * (top.sum() + when.sum()), matrix)
    assert oracle.relative(with_it, without) < (1e-5 if dtype is torch.float32 else 1e-13)


def test_negative_curve_has_finite_results():
    built = operator(Settings(deconvolution="causal"))
    curves = -tissue(5, noise=0.0)
    assert (curves @ built.matrix.mT).amax(-1).le(0.01).all()
    matrix = built.matrix.clone().requires_grad_()
    top, when = peak_and_soft_time(matrix, Tiles.from_curves(curves, 4), built.time_s, TMAX_SOFTNESS)
    (gradient,) = torch.autograd.grad(top.sum() + when.sum(), matrix)
    for values in (top, when, gradient):
        assert torch.isfinite(values).all()


def test_float32_is_close_to_float64():
    built, curves = operator(), tissue(50)
    exact = peak_and_soft_time(built.matrix, Tiles.from_curves(curves), built.time_s, TMAX_SOFTNESS)
    top, when = peak_and_soft_time(built.matrix, Tiles.from_curves(curves.float()), built.time_s, TMAX_SOFTNESS)
    assert top.dtype == when.dtype == torch.float32
    assert oracle.relative(top, exact[0]) < 1e-6
    assert float((when - exact[1]).abs().max()) < 1e-3  # s


def test_invalid_arguments_raise():
    built = operator()
    with pytest.raises(ArgumentError, match=r"^The tissue has 29 time points; the AIF has 30\.$"):
        peak_and_soft_time(built.matrix, Tiles.from_curves(tissue(3)[:, :29]), built.time_s, 0.05)
    for softness in (0.0, -1.0, float("nan")):
        with pytest.raises(ArgumentError, match=r"^softness must be positive; got "):
            peak_and_soft_time(built.matrix, Tiles.from_curves(tissue(3)), built.time_s, softness)

"""Independent reference for deconvolution: the formulas in plain NumPy float64.

Matrices are filled entry by entry, the SVD is explicit, voxels are computed one by one. Nothing is imported from
perfcore, so that an agreement means two independent computations.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from math import gamma
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import gammainc
from threadpoolctl import threadpool_limits

K_H = (1 - 0.45) / (1 - 0.25)
RHO = 1.04


class Form(NamedTuple):
    """One linear deconvolution."""

    deconvolution: str
    discretization: str
    regularization: str

    def __str__(self) -> str:
        return "-".join(self)


FORWARD = list(product(("circulant", "causal"), ("volterra", "rectangular")))
FORMS = [Form(*f, r) for f, r in product(FORWARD, ("tikhonov", "tsvd"))]
CIRCULANT = [f for f in FORMS if f.deconvolution == "circulant"]
CAUSAL = [f for f in FORMS if f.deconvolution == "causal"]


def one_thread():
    """Run a module's many small matrices on one thread; a fixture's body.

    On a busy machine the threads of two libraries wait for each other: seven times as slow.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with threadpool_limits(1, "blas"):
        yield
    torch.set_num_threads(before)


# Curves


def gamma_variate(time_s, onset_s=5.0, *, alpha=3.0, beta_s=1.5, peak=100.0):
    """An artery: zero before the onset, its peak at onset + αβ."""
    u = np.maximum(np.asarray(time_s, float) - onset_s, 0) / (alpha * beta_s)
    return peak * (u * np.exp(1 - u)) ** alpha


def tissue(time_s, mtt_s, delay_s=0.0, *, onset_s=5.0, alpha=3.0, beta_s=1.5, peak=100.0):
    r"""The gamma variate convolved with exp(−t/MTT), in closed form (MTT > β).

    :math:`\int_0^t u^\alpha e^{-u/\beta} e^{-(t-u)/T} du = e^{-t/T}\,\gamma(\alpha+1, qt)/q^{\alpha+1}`
    with q = 1/β − 1/T and the lower incomplete gamma function.
    """
    t = np.maximum(np.asarray(time_s, float) - onset_s - delay_s, 0)
    q = 1 / beta_s - 1 / mtt_s
    assert q > 0
    scale = peak * (np.e / (alpha * beta_s)) ** alpha
    return scale * np.exp(-t / mtt_s) * gamma(alpha + 1) * gammainc(alpha + 1, q * t) / q ** (alpha + 1)


# Forward matrices


def causal_matrix(a, dt, discretization):
    n = len(a)
    A = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            if discretization == "rectangular":
                A[i, j] = dt * a[i - j]
            elif i == 0:
                A[i, j] = 0
            elif j == 0:
                A[i, j] = dt / 6 * (2 * a[i] + a[i - 1])
            elif j == i:
                A[i, j] = dt / 6 * (2 * a[0] + a[1])
            else:
                A[i, j] = dt / 6 * (a[i - j - 1] + 4 * a[i - j] + a[i - j + 1])
    return A


def circulant_matrix(a, dt, discretization):
    length = 2 * len(a)
    padded = [*a, *[0.0] * len(a)]
    D = np.zeros((length, length))
    for i in range(length):
        for j in range(length):
            m = (i - j) % length
            if discretization == "rectangular":
                D[i, j] = dt * padded[m]
            else:
                D[i, j] = dt / 6 * (padded[m - 1] + 4 * padded[m] + padded[(m + 1) % length])
    return D


def forward_matrix(a, dt, deconvolution, discretization):
    """The square matrix that is inverted: N×N or 2N×2N."""
    return (causal_matrix if deconvolution == "causal" else circulant_matrix)(a, dt, discretization)


# Inverses


@lru_cache(maxsize=64)
def _decomposed(a, dt, deconvolution, discretization):
    return np.linalg.svd(forward_matrix(a, dt, deconvolution, discretization))


def decompose(a, dt, form):
    """U, σ (descending) and Vᵀ of the forward matrix; cached, for loops over voxels."""
    return _decomposed(tuple(float(x) for x in a), dt, form[0], form[1])


def filter_factor(sigma, sigma_max, regularization, lambda_rel):
    if regularization == "tikhonov":
        return sigma**2 / (sigma**2 + (lambda_rel * sigma_max) ** 2)
    return 1.0 if sigma >= lambda_rel * sigma_max else 0.0


def inverse(a, dt, form, lambda_rel):
    """Σ f_i/σ_i v_i u_iᵀ of the forward matrix; all rows, and the columns of the measured samples.

    A threshold has to fall between the singular values, or rounding decides.
    """
    regularization = form[2]
    u, s, vh = decompose(a, dt, form)
    if regularization == "tsvd":
        assert np.abs(s / s[0] - lambda_rel).min() > 1e-9
    P = np.zeros((len(s), len(s)))
    for i in range(len(s)):
        if s[i] > 0:
            P += filter_factor(s[i], s[0], regularization, lambda_rel) / s[i] * np.outer(vh[i], u[:, i])
    return P[:, : len(a)]


def rows_at(solution, times_s, dt):
    """The rows of a solution at times: negative times stand at the end of a circulant one."""
    rows = [round(float(t) / dt) for t in times_s]
    length = solution.shape[0]
    assert min(rows) >= -length // 2
    assert max(rows) < length
    return solution[[r % length for r in rows]]


# The oscillation index


def oscillation_index(k):
    length, total = len(k), 0.0
    top = max(abs(x) for x in k)
    for i in range(2, length):
        total += abs(k[i] - 2 * k[i - 1] + k[i - 2])
    return total / length / top if top > 0 else 0.0


def solve_oscillation(a, tissue_curve, dt, form, limit):
    """One voxel: try every truncation, from none to the strongest; the first smooth one is taken.

    Returns
    -------
    k over all rows of the solution, its index, and how many singular values were kept.
    """
    u, s, vh = decompose(a, dt, form)
    c = np.zeros(len(s))
    c[: len(a)] = tissue_curve
    # Below 1e-6 σ_1 nothing is kept: there k grows exponentially to the scan's end, and the index is blind to
    # that (see test_exploding_solution_has_low_oscillation_index).
    rank = int((s > 1e-6 * s[0]).sum())
    # Equal singular values are kept or dropped together: a threshold cannot tell them apart.
    cuts = [n for n in range(rank, 0, -1) if n == rank or s[n - 1] - s[n] > 1e-9 * s[0]]
    for n in cuts:
        k = np.zeros(len(s))
        for i in range(n):
            k += (u[:, i] @ c) / s[i] * vh[i]
        index = oscillation_index(k)
        assert abs(index - limit) > 1e-9, "rounding decides here: take another voxel"
        if index < limit:
            break
    return k, index, n


# Reading k(t)


def peak_and_row(k):
    """Maximum and fractional row of one k(t): the vertex of the parabola through three samples."""
    i = int(np.argmax(k))
    if not k[i] > 0:
        return k[i], np.nan
    if 0 < i < len(k) - 1:
        left, right = k[i - 1], k[i + 1]
        bend = left - 2 * k[i] + right
        return k[i], i + (0.5 * (left - right) / bend if bend < 0 else 0.0)
    return k[i], float(i)


def relative(x, reference):
    """Largest deviation relative to the reference's largest value."""
    x, reference = np.asarray(x, float), np.asarray(reference, float)
    assert x.shape == reference.shape
    return float(np.abs(x - reference).max() / np.abs(reference).max())

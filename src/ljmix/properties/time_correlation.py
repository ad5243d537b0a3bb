"""Transport coefficients by Green and Kubo, and what a small box does to diffusion.

A coefficient is the integral over time of the autocorrelation of a current (Green 1954, Kubo 1957; Hansen and McDonald,
Theory of Simple Liquids, 4th ed. 2013, chapters 7 and 8):

* self-diffusion      D = ⅓ ∫ ⟨v(0)·v(t)⟩ dt, v the velocity of a particle;
* shear viscosity     η = V/T* ∫ ⟨P_xy(0) P_xy(t)⟩ dt, P_xy the stress, averaged over the five independent shears;
* Maxwell-Stefan      Đ = 1/(3 N x_A x_B) ∫ ⟨J(0)·J(t)⟩ dt, J = Σ_A v, total momentum zero and masses equal
  (Krishna and van Baten 2005, doi:10.1021/ie050146c).
"""

from __future__ import annotations

import math

import numpy as np

from ljmix._util.arrays import FloatArray

__all__ = ["YEH_HUMMER", "autocorrelation", "finite_box_correction", "integrate_correlation", "shear_stresses"]

YEH_HUMMER = 2.837297
"""Constant of a cubic periodic box."""


def autocorrelation(series: FloatArray, n_lags: int) -> FloatArray:
    """Autocorrelation ⟨a(0) a(t)⟩ of a series whose mean is zero by symmetry, over all origins (Wiener-Khinchin).

    Parameters
    ----------
    series : (n_times, ...) array
        In order of time; further axes are averaged over.
    n_lags : int
        Lags 0, 1, …

    Returns
    -------
    (n_lags,) array

    Raises
    ------
    ValueError
        If the series is not twice as long as the lags.
    """
    n = len(series)
    if n < 2 * n_lags:
        raise ValueError(f"{n} samples: {n_lags} lags need at least {2 * n_lags}")
    columns = np.asarray(series, dtype=float).reshape(n, -1)
    size = 2 ** math.ceil(math.log2(n + n_lags))
    power = np.abs(np.fft.rfft(columns, size, axis=0)) ** 2
    products = np.fft.irfft(power.mean(axis=1), size)[:n_lags]
    return np.asarray(products / (n - np.arange(n_lags)))


def integrate_correlation(
    correlations: FloatArray, interval: float, window: tuple[float, float]
) -> tuple[float, float]:
    """Integral of an autocorrelation from 0 to times in a window, averaged over the window.

    Parameters
    ----------
    correlations : (n_blocks, n_lags) array
        Of blocks of a run.
    interval : float
        Between two lags, τ.
    window : (float, float)
        Times between which the running integral has settled, τ: beyond correlations, before noise.

    Returns
    -------
    value, sem : float
        The standard error is from the scatter of the blocks.

    Raises
    ------
    ValueError
        If lags end before the window, or there is one block only.
    """
    n_blocks, n_lags = correlations.shape
    if n_blocks < 2:
        raise ValueError("one block: a standard error needs two or more")
    if (n_lags - 1) * interval < window[1] - 1e-9:
        raise ValueError(f"lags end at {(n_lags - 1) * interval:g} τ, before the window's end at {window[1]:g} τ")
    steps = (correlations[:, 1:] + correlations[:, :-1]) / 2 * interval
    running = np.cumsum(steps, axis=1)
    time = np.arange(1, n_lags) * interval
    inside = (time >= window[0] - 1e-9) & (time <= window[1] + 1e-9)
    values = running[:, inside].mean(axis=1)
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(n_blocks))


def shear_stresses(stress: FloatArray) -> FloatArray:
    """Five independent shears from xx, yy, zz, xy, xz, yz of the pressure tensor, (n, 6) to (n, 5).

    Half the difference of two normal pressures is a shear in axes turned by 45°. Of the three only two are independent;
    (xx − yy)/2 and (xx + yy − 2 zz)/√12 are orthogonal and of equal variance.
    """
    xx, yy, zz, *off = np.asarray(stress, dtype=float).T
    return np.stack([*off, (xx - yy) / 2, (xx + yy - 2 * zz) / math.sqrt(12)], axis=1)


def finite_box_correction(temperature: float, viscosity: float, box_edge: float) -> float:
    """What a cubic periodic box takes from a self-diffusion coefficient, D∞ − D = 2.837297 T* / (6π η L).

    Yeh and Hummer 2004 (doi:10.1021/jp0477147).

    Parameters
    ----------
    temperature, viscosity, box_edge : float
        T*, η (√(m ε)/σ²) and L (σ_AA).

    Returns
    -------
    float
        σ_AA²/τ.

    Raises
    ------
    ValueError
        If one is not above zero.
    """
    for name, value in (("temperature", temperature), ("viscosity", viscosity), ("box_edge", box_edge)):
        if not value > 0:
            raise ValueError(f"{name} = {value:g}: must be above 0")
    return YEH_HUMMER * temperature / (6 * math.pi * viscosity * box_edge)

"""The compiled fit of Bass curves; imported on first use, as the compiler loads slowly."""

from __future__ import annotations

import numpy as np
from numba import njit

LOW = np.log(np.array([1e-7, 1e-4, 1e-12]))
HIGH = np.log(np.array([0.9, 5.0, 1e15]))
"""Ranges of ln p, ln q and ln m beyond which a curve says nothing about a product."""


@njit(cache=True, nogil=True)
def _share(t, p, q):  # type: ignore[no-untyped-def]
    """Cumulative share F(t) and its derivatives by p and q."""
    e = np.exp(-(p + q) * t)
    top = 1.0 - e
    bottom = 1.0 + q / p * e
    slope = t * e
    by_p = (slope * bottom - top * (-q / p**2 * e - q / p * slope)) / bottom**2
    by_q = (slope * bottom - top * (e / p - q / p * slope)) / bottom**2
    return top / bottom, by_p, by_q


@njit(cache=True, nogil=True)
def _increments(ages, p, q, out):  # type: ignore[no-untyped-def]
    """Of each period that begins at an age: the share it sells, and the derivatives by ln p and ln q."""
    for i in range(len(ages)):
        one, one_p, one_q = _share(ages[i], p, q)
        two, two_p, two_q = _share(ages[i] + 1.0, p, q)
        out[i, 0] = two - one
        out[i, 1] = (two_p - one_p) * p
        out[i, 2] = (two_q - one_q) * q


@njit(cache=True, nogil=True)
def _start(ages, sales, prior, noise, out):  # type: ignore[no-untyped-def]
    """The best point of a coarse grid, the market being linear in the sales given p and q."""
    best = np.inf
    theta = np.zeros(3)
    for i in range(10):
        for j in range(12):
            p = 0.0002 * 2.0**i
            q = 0.004 * 2.0 ** (j * 0.75)
            _increments(ages, p, q, out)
            across = (out[:, 0] * sales).sum()
            along = (out[:, 0] ** 2).sum()
            if along <= 0.0 or across <= 0.0:
                continue
            market = across / along
            if prior[2, 1] < np.inf:
                market = np.exp(prior[2, 0])
            value = ((sales - market * out[:, 0]) ** 2).sum() / noise**2
            point = np.array([np.log(p), np.log(q), np.log(market)])
            for k in range(3):
                value += ((point[k] - prior[k, 0]) / prior[k, 1]) ** 2
            if value < best:
                best = value
                theta = point
    return theta, best < np.inf


@njit(cache=True, nogil=True)
def _normal_equations(theta, ages, sales, prior, noise, out):  # type: ignore[no-untyped-def]
    """Loss, its curvature (Gauss-Newton) and downhill direction, and the squares left of the sales alone."""
    p, q, market = np.exp(theta[0]), np.exp(theta[1]), np.exp(theta[2])
    _increments(ages, p, q, out)
    curve = np.zeros((3, 3))
    down = np.zeros(3)
    squares = 0.0
    row = np.empty(3)
    for i in range(len(ages)):
        rest = sales[i] - market * out[i, 0]
        squares += rest * rest
        row[0] = market * out[i, 1]
        row[1] = market * out[i, 2]
        row[2] = market * out[i, 0]
        for a in range(3):
            down[a] += row[a] * rest / noise**2
            for b in range(3):
                curve[a, b] += row[a] * row[b] / noise**2
    loss = squares / noise**2
    for k in range(3):
        if prior[k, 1] < np.inf:
            gap = theta[k] - prior[k, 0]
            loss += (gap / prior[k, 1]) ** 2
            curve[k, k] += 1.0 / prior[k, 1] ** 2
            down[k] -= gap / prior[k, 1] ** 2
    return loss, curve, down, squares


@njit(cache=True, nogil=True)
def _descend(theta, ages, sales, prior, noise, out):  # type: ignore[no-untyped-def]
    """Levenberg and Marquardt's way down; the point, its curvature, squares, and whether it came to rest inside."""
    loss, curve, down, squares = _normal_equations(theta, ages, sales, prior, noise, out)
    damping = 1e-3
    for _ in range(300):
        damped = curve.copy()
        for k in range(3):
            damped[k, k] += damping * curve[k, k] + 1e-12
        step = np.linalg.solve(damped, down)
        tried = np.minimum(np.maximum(theta + step, LOW), HIGH)
        found = _normal_equations(tried, ages, sales, prior, noise, out)
        if found[0] <= loss:
            moved = np.abs(tried - theta).max()
            theta = tried
            loss, curve, down, squares = found
            damping = max(damping / 5.0, 1e-12)
            if moved < 1e-9:
                break
        else:
            damping *= 4.0
            if damping > 1e12:
                break
    inside = np.all(theta > LOW + 1e-6) and np.all(theta < HIGH - 1e-6)
    return theta, curve, squares, inside


@njit(cache=True, nogil=True)
def fit_panel(panel, launched, prior, least_noise, found):  # type: ignore[no-untyped-def]
    """Per series ln p, ln q, ln m, noise, squares left, whether it came to rest, and the covariance of the three."""
    points, covariances = found
    for one in range(len(panel)):
        count = 0
        ages = np.empty(panel.shape[1])
        sales = np.empty(panel.shape[1])
        for t in range(panel.shape[1]):
            if not np.isnan(panel[one, t]) and t >= launched[one]:
                ages[count] = t - launched[one]
                sales[count] = panel[one, t]
                count += 1
        ages, sales = ages[:count], sales[:count]
        total = sales.sum()
        if count < 3 and prior[0, 1] == np.inf:
            continue
        if total <= 0.0:
            continue
        floor = least_noise * total / count
        out = np.empty((count, 3))
        noise = max(floor, sales.std())
        theta, known = _start(ages, sales, prior, noise, out)
        if not known:
            continue
        curve = np.eye(3)
        squares, rests = 0.0, False
        # The noise and the curve each need the other; a few rounds settle both, one where nothing else pulls.
        for _ in range(20):
            theta, curve, squares, rests = _descend(theta, ages, sales, prior, noise, out)
            new = max(floor, np.sqrt(squares / max(count - 3, 1)))
            settled = abs(new - noise) <= 1e-6 * noise
            noise = new
            if settled:
                break
        points[one, :3] = theta
        points[one, 3] = noise
        points[one, 4] = squares
        points[one, 5] = 1.0 if rests else 0.0
        _, curve, _, _ = _normal_equations(theta, ages, sales, prior, noise, out)
        if abs(np.linalg.det(curve)) > 1e-300:
            covariances[one] = np.linalg.inv(curve)

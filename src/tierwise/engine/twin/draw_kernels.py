"""Random numbers by address: Philox 4x32-10 and exact transformations of its words.

A number is a function of (seed, purpose, row, period, run): no state, no order, no overlap. Scenarios that differ in
one thing meet the same luck in all others (common random numbers), and threads cannot change a result.
"""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np

from tierwise.engine.twin.kernel import inlined, kernel, least

LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
SIGN = np.uint64(1 << 63)
EDGE = np.uint64(int(0.075 * 2**64))  # where the middle of the normal ends
END = np.uint64(int(exp(-25) * 2**64))  # and where its far tail begins
_ELEVEN = np.uint64(11)


@inlined
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Four words of 32 bits of a counter of four and a key of two. Salmon et al., SC11 (2011)."""
    for _ in range(10):
        first, second = _M0 * c0, _M1 * c2
        c0, c2 = (second >> HALF) ^ c1 ^ k0, (first >> HALF) ^ c3 ^ k1
        c1, c3 = second & LOW, first & LOW
        k0, k1 = (k0 + _W0) & LOW, (k1 + _W1) & LOW
    return c0, c1, c2, c3


@inlined
def uniform(word):  # type: ignore[no-untyped-def]
    """Of [0, 1), 53 bits."""
    return (word >> _ELEVEN) * 1.1102230246251565e-16


@inlined
def smaller(word):  # type: ignore[no-untyped-def]
    """The smaller of a word and its complement."""
    return least(word, ~word)


@inlined
def centred(word):  # type: ignore[no-untyped-def]
    """A probability less one half, in (−½, ½), all 64 bits."""
    return (np.int64(word ^ SIGN) + 0.5) * 5.421010862427522e-20


@inlined
def tail(word):  # type: ignore[no-untyped-def]
    """The smaller of a probability and its complement, in (0, ½], down to 2⁻⁶⁵."""
    return (smaller(word) + 0.5) * 5.421010862427522e-20


@inlined
def normal_near(r):  # type: ignore[no-untyped-def]
    """−Φ⁻¹(p) by r = √(−ln p) up to 5, for p below 0.075."""
    r -= 1.6
    top = 2.27238449892691845833e-2 + r * 7.74545014278341407640e-4
    top = 1.27045825245236838258 + r * (2.41780725177450611770e-1 + r * top)
    top = 5.76949722146069140550 + r * (3.64784832476320460504 + r * top)
    top = 1.42343711074968357734 + r * (4.63033784615654529590 + r * top)
    low = 5.47593808499534494600e-4 + r * 1.05075007164441684324e-9
    low = 1.48103976427480074590e-1 + r * (1.51986665636164571966e-2 + r * low)
    low = 1.67638483018380384940 + r * (6.89767334985100004550e-1 + r * low)
    return top / (1.0 + r * (2.05319162663775882187 + r * low))


@inlined
def normal_far(r):  # type: ignore[no-untyped-def]
    """The same for r beyond 5."""
    r -= 5.0
    top = 2.71155556874348757815e-5 + r * 2.01033439929228813265e-7
    top = 2.65321895265761230930e-2 + r * (1.24266094738807843860e-3 + r * top)
    top = 1.78482653991729133580 + r * (2.96560571828504891230e-1 + r * top)
    top = 6.65790464350110377720 + r * (5.46378491116411436990 + r * top)
    low = 1.42151175831644588870e-7 + r * 2.04426310338993978564e-15
    low = 7.86869131145613259100e-4 + r * (1.84631831751005468180e-5 + r * low)
    low = 1.36929880922735805310e-1 + r * (1.48753612908506148525e-2 + r * low)
    return top / (1.0 + r * (5.99832206555887937690e-1 + r * low))


@inlined
def normal_middle(q):  # type: ignore[no-untyped-def]
    """Φ⁻¹(½ + q) for |q| up to 0.425."""
    r = 0.180625 - q * q
    top = 3.3430575583588128105e4 + r * 2.5090809287301226727e3
    top = 4.5921953931549871457e4 + r * (6.7265770927008700853e4 + r * top)
    top = 1.9715909503065514427e3 + r * (1.3731693765509461125e4 + r * top)
    top = 3.3871328727963666080 + r * (1.3314166789178437745e2 + r * top)
    low = 2.8729085735721942674e4 + r * 5.2264952788528545610e3
    low = 2.1213794301586595867e4 + r * (3.9307895800092710610e4 + r * low)
    low = 6.8718700749205790830e2 + r * (5.3941960214247511077e3 + r * low)
    return q * top / (1.0 + r * (4.2313330701600911252e1 + r * low))


@inlined
def normal(word):  # type: ignore[no-untyped-def]
    """A standard normal by inversion. Wichura's AS 241 (1988), relative error 1e-16, tails to ±9.1."""
    if smaller(word) >= EDGE:
        return normal_middle(centred(word))
    r = sqrt(-log(tail(word)))
    z = normal_near(r) if r <= 5.0 else normal_far(r)
    return z if word >= SIGN else -z


@kernel
def gamma(shape, word, spread, at, run):  # type: ignore[no-untyped-def]
    """A standard gamma by Marsaglia and Tsang's rejection (2000); each attempt has an address of its own."""
    k0, k1 = np.uint64(at.key) & LOW, np.uint64(at.key) >> HALF
    raised = shape if shape >= 1.0 else shape + 1.0
    d = raised - 1.0 / 3.0
    c = 1.0 / sqrt(9.0 * d)
    attempt = 0
    while True:
        attempt += 1
        x0, x1, x2, x3 = philox(
            np.uint64(at.when),
            np.uint64(spread.row),
            np.uint64(run),
            np.uint64(spread.purpose + (attempt << 8)),
            k0,
            k1,
        )
        z = normal(x0 | (x1 << HALF))
        v = 1.0 + c * z
        if v > 0.0:
            v = v * v * v
            u = uniform(x2 | (x3 << HALF)) + 5.551115123125783e-17
            if log(u) < 0.5 * z * z + d - d * v + d * log(v):
                break
    value = d * v
    if shape < 1.0:
        value *= (uniform(word) + 5.551115123125783e-17) ** (1.0 / shape)
    return value

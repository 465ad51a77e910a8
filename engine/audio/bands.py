"""Bands and onsets of sound. PURE: blocks of samples in, levels out.

In:     blocks [N] float32, mono, -1 … 1, one after the other, at `rate_hz`.
Out:    `Levels`, 0 … 1 each.
Full:   cannot fill.

A band's level is its power in decibels, between silence and the loudest of the last seconds: a
quiet line and a loud one both use the whole travel. It rises at once and falls slowly, as a meter
does.

An onset is a spectrum that grows in many places at once: the sum of what grew from block to block
(spectral flux), against the median of the last second. Source: J. P. Bello et al., A Tutorial on
Onset Detection in Music Signals, IEEE Trans. Speech and Audio Processing 13 (5), 2005, III-B.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
Power = npt.NDArray[np.float64]

WINDOW = 2048  # 43 ms at 48 kHz: three periods of the lowest bass
HOPS_PER_S = 50
BANDS_HZ = (("bass", 25.0, 160.0), ("mid", 160.0, 2000.0), ("treble", 2000.0, 12000.0))
_SILENCE_DB = -60.0  # of full scale; below it nothing is heard
_RANGE_DB = 30.0  # under the loudest: what a meter shows
_PEAK_FALLS_DB_S = 3.0
_FALL_S = 0.15  # of meters, and of the flash of an onset
_HISTORY = HOPS_PER_S
_OVER_MEDIAN = 2.0
_LEAST_FLUX = 0.02  # of the log spectrum: hiss is below
_REST_S = 0.1  # no drummer hits twice in it
_COMPRESSION = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What is heard now; `onset` flashes to 1 and dies away."""

    bass: float = 0.0
    mid: float = 0.0
    treble: float = 0.0
    onset: float = 0.0

    def as_dict(self) -> dict[str, float]:
        """Return them by name, as modulators call them."""
        return {"bass": self.bass, "mid": self.mid, "treble": self.treble, "onset": self.onset}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ear:
    """What was heard so far. Replaced, never changed."""

    rate_hz: float
    tail: Samples = field(default_factory=lambda: np.zeros(WINDOW, np.float32))
    log_spectrum: Power | None = None  # of the block before
    fluxes: tuple[float, ...] = ()
    peaks_db: tuple[float, ...] = (_SILENCE_DB,) * len(BANDS_HZ)
    levels: Levels = Levels()
    num_onsets: int = 0
    since_onset_s: float = 1.0


def heard(ear: Ear, block: Samples) -> Ear:
    """Return the ear after one more block of at least one sample."""
    dt_s = len(block) / ear.rate_hz
    tail = np.concatenate([ear.tail, block])[-WINDOW:]
    power = _power(tail)
    bands_db = _bands_db(power, ear.rate_hz)
    peaks_db = tuple(
        max(now, before - _PEAK_FALLS_DB_S * dt_s, _SILENCE_DB)
        for now, before in zip(bands_db, ear.peaks_db, strict=True)
    )
    grown = _with_onset(replace(ear, tail=tail), power, dt_s)
    fall = float(np.exp(-dt_s / _FALL_S))
    before = (ear.levels.bass, ear.levels.mid, ear.levels.treble)
    bass, mid, treble = (
        max(_level(now, peak), old * fall)
        for now, peak, old in zip(bands_db, peaks_db, before, strict=True)
    )
    levels = Levels(bass=bass, mid=mid, treble=treble, onset=grown.levels.onset)
    return replace(grown, peaks_db=peaks_db, levels=levels)


def _power(tail: Samples) -> Power:
    """Return [WINDOW / 2 + 1] powers; a full-scale sine has 1 in all its bins together."""
    window = np.blackman(WINDOW)  # its side lobes keep a bass out of the mids
    spectrum = np.fft.rfft(tail * window)
    power: Power = np.abs(spectrum) ** 2 * (4 / (WINDOW * np.sum(window**2)))
    return power


def _bands_db(power: Power, rate_hz: float) -> tuple[float, ...]:
    hz = np.fft.rfftfreq(WINDOW, 1 / rate_hz)
    sums = [power[(hz >= low) & (hz < high)].sum() for _, low, high in BANDS_HZ]
    return tuple(10 * float(np.log10(total + 1e-12)) for total in sums)


def _level(now_db: float, peak_db: float) -> float:
    """Return where a band is between silence and its loudest."""
    if now_db <= _SILENCE_DB:
        return 0.0
    return min(max(1 - (peak_db - now_db) / _RANGE_DB, 0.0), 1.0)


def _with_onset(ear: Ear, power: Power, dt_s: float) -> Ear:
    """Return the ear with this block's flux, and an onset if there is one."""
    log_spectrum: Power = np.log1p(_COMPRESSION * np.sqrt(power))
    last = ear.log_spectrum if ear.log_spectrum is not None else log_spectrum
    flux = float(np.maximum(log_spectrum - last, 0).mean())
    usual = float(np.median(ear.fluxes)) if ear.fluxes else 0.0
    since_s = ear.since_onset_s + dt_s
    is_onset = flux > max(_OVER_MEDIAN * usual, _LEAST_FLUX) and since_s >= _REST_S
    onset = 1.0 if is_onset else ear.levels.onset * float(np.exp(-dt_s / _FALL_S))
    return replace(
        ear,
        log_spectrum=log_spectrum,
        fluxes=(*ear.fluxes, flux)[-_HISTORY:],
        levels=replace(ear.levels, onset=onset),
        num_onsets=ear.num_onsets + is_onset,
        since_onset_s=0.0 if is_onset else since_s,
    )

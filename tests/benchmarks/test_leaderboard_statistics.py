"""The leaderboard's statistics against figures that were worked out by other means.

The interquartile means are ``scipy.stats.trim_mean(x, 0.25)`` (SciPy 1.17), which rliable uses too, written down here.
The intervals are compared with the exact bootstrap distribution: with three runs a task there are 27 equally likely
resamples of each, so those of two tasks are enumerated, 729 in all, and nothing is drawn.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from leaderboard.statistics import (
    curve_band,
    interquartile_mean,
    mean,
    paired_difference,
    probability_of_improvement,
    run_bootstrap,
    stratified_bootstrap,
)

FIVE = [3.0, 1.0, 100.0, 2.0, 4.0]
TEN = [0.82, 0.11, 0.35, 0.97, 0.44, 0.58, 0.29, 0.63, 0.91, 0.07]
A, B = [1.0, 2.0, 4.0], [10.0, 11.0, 30.0]


def resamples(values):
    return [list(one) for one in itertools.product(values, repeat=len(values))]


def trimmed(values):
    """The definition, spelt out, without NumPy."""
    ordered = sorted(values)
    cut = int(0.25 * len(ordered))
    kept = ordered[cut : len(ordered) - cut]
    return sum(kept) / len(kept)


def percentile(values, share):
    """Linear interpolation between order statistics."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


@pytest.mark.parametrize(("values", "frozen"), [(FIVE, 3.0), (TEN, 0.5183333333333333), ([7.0], 7.0), (A + B, 6.75)])
def test_interquartile_means_are_scipys_trimmed_means(values, frozen):
    assert float(interquartile_mean(np.array(values))) == pytest.approx(frozen, rel=1e-12)


def test_it_is_taken_over_the_last_axis():
    both = interquartile_mean(np.array([FIVE, [2 * x for x in FIVE]]))
    assert both.tolist() == [3.0, 6.0]


@pytest.mark.parametrize(("statistic", "plain"), [(mean, lambda v: sum(v) / len(v)), (interquartile_mean, trimmed)])
def test_the_stratified_bootstrap_is_the_exact_distribution(statistic, plain):
    exact = [plain(a + b) for a in resamples(A) for b in resamples(B)]
    assert len(exact) == 729
    found = stratified_bootstrap([A, B], statistic, repetitions=200_000)
    assert found.value == pytest.approx(plain(A + B), rel=1e-12)
    for ours, share in ((found.low, 0.025), (found.high, 0.975)):
        near = [percentile(exact, share + shift) for shift in (-0.004, 0.004)]
        assert near[0] - 1e-9 <= ours <= near[1] + 1e-9, (share, near)


def test_strata_are_resampled_each_on_its_own():
    """Pooled resampling would mix the tasks: the mean could then fall to 0 and rise to 100."""
    found = stratified_bootstrap([[0.0, 0.0, 0.0], [100.0, 100.0, 100.0]], mean)
    assert (found.value, found.low, found.high) == (50.0, 50.0, 50.0)


def test_runs_are_resampled_as_wholes():
    """Two runs that are each constant: a quarter of the resamples is twice the one, a quarter twice the other."""
    found = run_bootstrap([[0.0] * 50, [10.0] * 50], mean)
    assert (found.value, found.low, found.high) == (5.0, 0.0, 10.0)
    single = run_bootstrap([list(np.arange(50.0))], mean)
    assert single.value == 24.5
    half = 1.96 * np.arange(50.0).std() / np.sqrt(50)  # the normal approximation, which 50 values are enough for
    assert single.high - single.low == pytest.approx(2 * half, rel=0.06)


def test_one_run_has_no_interval_over_tasks():
    found = stratified_bootstrap([[1.0], [2.0]], mean)
    assert found.value == 1.5
    assert np.isnan([found.low, found.high]).all()


def test_probability_of_improvement_is_the_mann_whitney_share():
    ours, theirs = [[5.0, 1.0, 3.0], [2.0, 2.0, 9.0]], [[4.0, 2.0, 0.0], [2.0, 1.0, 1.0]]
    # Task 1: 3 + 1 + 2 of 9 pairs won. Task 2: 2.5 + 2.5 + 3 of 9, ties counting half.
    found = probability_of_improvement(ours, theirs)
    assert found.value == pytest.approx((6 / 9 + 8 / 9) / 2)
    assert 0.0 <= found.low < found.value < found.high <= 1.0
    back = probability_of_improvement(theirs, ours)
    assert back.value == pytest.approx(1.0 - found.value)


def test_probability_of_improvement_has_the_exact_interval():
    def won(a, b):
        return sum((x > y) + 0.5 * (x == y) for x in a for y in b) / (len(a) * len(b))

    ours, theirs = [5.0, 1.0, 3.0], [4.0, 2.0, 0.0]
    exact = [won(a, b) for a in resamples(ours) for b in resamples(theirs)]
    found = probability_of_improvement([ours], [theirs], repetitions=200_000)
    for value, share in ((found.low, 0.025), (found.high, 0.975)):
        assert percentile(exact, share - 0.004) - 1e-9 <= value <= percentile(exact, share + 0.004) + 1e-9


def test_differences_are_paired():
    """Episodes differ by far more than the methods do; only pairing finds what one gains."""
    rng = np.random.default_rng(0)
    episodes = rng.normal(0.0, 100.0, 10)
    ours = episodes + np.array([[-1.0], [-1.2], [-0.8]]) + rng.normal(0, 0.05, (3, 10))
    found = paired_difference(ours, episodes)
    assert found.value == pytest.approx(-1.0, abs=0.05)
    assert -1.3 < found.low < found.high < -0.7


def test_curves_are_averaged_where_all_runs_have_values():
    band = curve_band([[(0, 0.0), (100, 100.0)], [(20, 40.0), (80, 160.0), (200, 160.0)]], points=5)
    assert [steps for steps, _ in band] == [20, 40, 60, 80, 100]
    assert [one.value for _, one in band] == [30, 60, 90, 120, 130]
    assert (band[0][1].low, band[0][1].high) == (20, 40)

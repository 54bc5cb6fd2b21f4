"""What bounds the score of a tree without one."""

import numpy as np
import pytest

from worker_service.core.imputation.predictability import best_score, random_halves, tree_score


@pytest.mark.parametrize("is_classes", [True, False])
@pytest.mark.parametrize("seed", range(40))
def test_no_tree_is_better_than_the_bound(seed: int, is_classes: bool) -> None:
    random = np.random.default_rng(seed)
    rows = int(random.integers(60, 900))
    feature = random.integers(0, int(random.choice([3, 30, 10 * rows])), rows).astype(np.float64)
    noise = random.normal(0, random.choice([0, 0.01, 0.3, 3]) * max(1e-9, feature.std()), rows)
    target = np.digitize(feature + noise, np.quantile(feature, [0.2, 0.5, 0.9])) if is_classes else feature + noise
    for train in random_halves(rows):
        score = tree_score(feature[:, None], target, train, is_classes=is_classes)
        assert score <= best_score(feature, target, ~train, is_classes=is_classes) + 1e-9


def test_the_bound_rules_noise_out_and_a_copy_not() -> None:
    random = np.random.default_rng(0)
    target, (train, _) = random.normal(size=1_000), random_halves(1_000)
    assert best_score(random.normal(size=1_000), target, ~train, is_classes=False) < 0.8
    assert best_score(target, target, ~train, is_classes=False) > 0.99
    labels = random.integers(0, 4, 1_000)
    assert best_score(random.normal(size=1_000), labels, ~train, is_classes=True) < 0.8
    assert best_score(labels.astype(np.float64), labels, ~train, is_classes=True) == 1

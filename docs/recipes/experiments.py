"""Which model, with which parameters: a grid of cross-validations, each computed once."""

from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import beautyspot as bs
import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier

spot = bs.Spot("experiments")
DATA = Path("digits.npz")
SEEDS = range(3)
MODELS = [
    *(LogisticRegression(C=c, tol=0.1) for c in (0.001, 0.1)),
    *(DecisionTreeClassifier(max_depth=depth) for depth in (5, 10, None)),
]


def data(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Load the arrays: milliseconds, where a model takes seconds."""
    with np.load(path) as arrays:
        return arrays["x"], arrays["y"]


# A model counts by its class and its parameters, the data by the content of the file.
@spot.mark(version=1, key={"path": bs.KeyGen.from_file_content})
def scores(model: BaseEstimator, path: Path, seed: int) -> np.ndarray:
    """How good the model is, in each of five folds."""
    x, y = data(path)
    model = clone(model).set_params(random_state=seed)  # the caller's stays as it is
    return cross_val_score(model, x, y, cv=StratifiedKFold(5, shuffle=True, random_state=seed))


if __name__ == "__main__":
    if not DATA.exists():
        digits = load_digits()
        np.savez(DATA, x=digits.data[:500], y=digits.target[:500])
    grid = list(product(MODELS, [DATA], SEEDS))
    print(spot.count(scores, *zip(*grid, strict=True)), "of", len(grid), "have to run")
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        found = list(spot.map(scores, *zip(*grid, strict=True), executor=pool, progress=True))
    for model, same_model in zip(MODELS, np.split(np.array(found), len(MODELS)), strict=True):
        print(f"{same_model.mean():.3f} ± {same_model.std():.3f}  {model}")

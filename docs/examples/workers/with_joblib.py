"""The processes of joblib, which are loky's."""

from joblib import Parallel, delayed
from work import PAGES, words

if __name__ == "__main__":
    print(Parallel(n_jobs=2)(delayed(words)(page) for page in PAGES))  # [2, 3, 4]

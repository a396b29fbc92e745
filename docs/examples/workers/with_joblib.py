from joblib import Parallel, delayed

from work import COUNTS, PAGES, words

if __name__ == "__main__":
    assert Parallel(n_jobs=2)(delayed(words)(page) for page in PAGES) == COUNTS

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from work import COUNTS, PAGES, spot, words

if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(words, PAGES)) == COUNTS
        assert pool.submit(words, PAGES[0]).result() == 2
        assert list(spot.map(words, PAGES, executor=pool)) == COUNTS

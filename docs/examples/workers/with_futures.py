"""The processes of a pool of the standard library."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from work import PAGES, spot, words

if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        print(pool.submit(words, PAGES[0]).result())  # 2
        print(list(pool.map(words, PAGES)))  # [2, 3, 4]
        print(list(spot.map(words, PAGES, executor=pool)))  # the same

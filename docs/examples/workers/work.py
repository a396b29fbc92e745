"""A function that is marked as anywhere: nothing in it knows where it runs."""

import beautyspot as bs

PAGES = ["a b", "a b c", "a b c d"]

spot = bs.Spot("work")  # which store, says BEAUTYSPOT_METADATA


@spot.mark
def words(page: str) -> int:
    """How many words a page has."""
    print("working on", page, flush=True)
    return len(page.split())

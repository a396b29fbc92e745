"""What a process knows of its leases in a server, while a row ends one that is being renewed."""

from __future__ import annotations

from beautyspot_local.remote.leasing import HeldLeases, ServerLease, ending


class Forgetful(HeldLeases):
    """Leases in a server that has lost them all; a row may end one while it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.stored = False

    def _renew(self, leases: list[ServerLease]) -> set[ServerLease]:
        if self.stored:
            with ending(leases):
                for lease in leases:
                    self.forget(lease)
        return set()

    def _end(self, lease: ServerLease) -> None:
        raise AssertionError(lease)

    def _exchange(self, process: str, waits: str) -> list[str]:
        raise AssertionError(process, waits)


def test_a_lease_that_the_server_no_longer_has_is_lost() -> None:
    leases = Forgetful()
    lease = ServerLease(leases, "key")
    assert leases.renew([lease]) == {lease}


def test_a_lease_that_ended_with_its_row_is_not_lost() -> None:
    leases = Forgetful()
    leases.stored = True
    assert leases.renew([ServerLease(leases, "key")]) == set()


def test_a_lease_that_the_server_may_have_ended_is_not_lost() -> None:
    leases = Forgetful()
    lease = ServerLease(leases, "key")
    with ending([lease]):
        assert leases.renew([lease]) == set()

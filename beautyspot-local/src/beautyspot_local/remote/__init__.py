"""What limiters and stores in a server have in common, whichever server it is.

A member that brings a limiter adds a `Keeper` (see `keeping`), which carries the operations to the
server, and a class derived of `RemoteLimiter`. One that brings a store derives its leases of
`HeldLeases` (see `leasing`).
"""

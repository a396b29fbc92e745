"""What limiters in a server have in common, whichever server it is.

A member that brings one adds a `Keeper` (see `keeping`), which carries the operations to the
server, and a class derived of `RemoteLimiter`.
"""

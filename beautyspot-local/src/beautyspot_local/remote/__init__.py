"""What limiters and stores in a server have in common, whichever server it is.

A member that brings a limiter derives it of `RemoteLimiter`, and what is made of a URL of `Remade`.
How many use a server at once, `Places` says.
"""

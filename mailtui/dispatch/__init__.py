"""The engine: claims deliveries from the outbox, renders them, paces them, and drives the sessions that send them.

The way through this room: a `runner` watches one outbox, has `orders` carried out, and takes up each active campaign
as a `sending`. Its `supply` claims rows and renders them, or has `renderers` do it where `staffing` finds that faster;
its `crew` of `worker`s keeps a connection each, in the gear that the `gearbox` chose. What becomes of a message goes to
the `recorder`, which commits for everybody at once. A message begins when `gate` (the pace) and `budget` (the memory)
allow it; `reach`, `slots`, `domains` and `breakers` say whether a server, a connection, a recipient's domain or the
whole campaign has to wait.
"""

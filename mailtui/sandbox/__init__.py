"""A capture SMTP server of our own, in a process of its own: for the demo, for rehearsals, for the tests.

`process` starts, finds and stops it; `capture` reads what it caught; `spec` reads a file of faults to inject;
`server` runs it inside a loop one already has. It never sends anything anywhere.
"""

"""The wire: connecting, our own SMTP session, replies framed strictly, and what a reply means.

The way through this room: `connect` leads to a server at an `endpoint` and learns its `capabilities`, through a
`client` with `tls` and by `login` with a `credential`, whose mechanisms are in `sasl`; what stands in the way is an
`obstacle`, named by `tls_failures`. `gear` says how the capabilities are best used, and `opening` begins the dialogue
for it: `session` with DATA, `chunked` with BDAT, both on `dialogue`. Whoever feeds one is its `owner`. `replies` cuts
what comes back, and `verdict` judges it by the table in `verdict_rules`. `oneshot` sends a single message; `probe`
tries a server out, through a `watched` client and with a `transcript`.
"""

"""Who gets it: sources, addresses, rules, and the distinct, valid, matched people that come out of them."""

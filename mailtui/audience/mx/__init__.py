"""Whether the domains of a list take mail at all, asked of the DNS when a person wants to know."""

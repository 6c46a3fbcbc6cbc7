"""Whether the domain that a campaign is sent from is set up for it, asked of the DNS when a person wants to know."""

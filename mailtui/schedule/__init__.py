"""When a campaign is sent: times of the clock on the wall in their zones, intervals, lines of cron, and hours in which
mail may go.
"""

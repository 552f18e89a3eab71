"""Incidents of the running service: alerts joined as they come, kept with a name of their own, changed by analysts."""

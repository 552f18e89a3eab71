"""Incidents: alerts that belong together, what they tell, and what comes next."""

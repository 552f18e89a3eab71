"""Closure or escalation of incidents in the running service: outcomes, the rules, reports, and what comes back to the queue."""

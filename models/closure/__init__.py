"""Closure or escalation: what automation reported, whether the threat is mitigated, and the report that says so."""

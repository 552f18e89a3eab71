"""Playbooks: what can be done about an incident, and what should be done next."""

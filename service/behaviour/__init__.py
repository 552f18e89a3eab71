"""Entities in the service: what users and hosts do is observed beside the scorer, and their risk is kept."""

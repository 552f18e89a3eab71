"""Certificates: thresholds with an exact bound on what they can miss, or on what they would do wrongly."""

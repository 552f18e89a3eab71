"""Measuring incidents on worlds whose truth is known."""

"""Judgement: feature row → score → decision with reasons. Code only; weights live in a bundle."""

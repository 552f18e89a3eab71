"""Judgement of behaviour: how unlike its own past, and how like somebody else, what an account does is."""

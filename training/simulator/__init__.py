"""A simulated enterprise: habits, noise, benign look-alikes, campaigns and the analysts who judge them.

Everything follows from a seed, to the byte. Depth is modest: it is here so that the loop runs without real data, and so
that a rule's name alone does not tell an attack.
"""

from training.simulator.simulation import Simulated, simulate

__all__ = ["Simulated", "simulate"]

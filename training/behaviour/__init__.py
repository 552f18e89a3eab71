"""Learning of behaviour: loaders of events, weights learned from simulated impostors, protocols that measure it."""

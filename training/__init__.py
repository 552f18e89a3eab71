"""Learning: datasets, walk, split, fit, evaluate, gate, MLflow."""

"""Learning from feedback in a world whose truth is known (EVALUATION: full, selective, delayed, wrong and owned labels)."""

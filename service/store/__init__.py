"""Records: alerts, decisions, labels and the queue, in SQLite."""

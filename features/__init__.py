"""Facts: what an alert is, whom it is about, what was known at that moment, what an analyst said."""

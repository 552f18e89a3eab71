"""The watch: holds certificates against what people say, withdraws those that reality breaks, and brings back what they hid."""

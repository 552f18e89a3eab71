"""Conversation: HTTP, database, API keys, and the running engine behind them."""

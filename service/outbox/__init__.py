"""The outbox: every message that leaves Tamis. It is stored with what caused it, signed, and sent until it has arrived.

Whoever has something to say makes a :class:`~service.outbox.message.Message` and hands it to
:func:`~service.outbox.records.enqueue` on the connection that writes its cause, in the same transaction. That is all: who
gets it, in which form and when again is decided here.
"""

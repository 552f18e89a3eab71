"""Text that an attacker may have chosen, made harmless to read."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, bidirectional and other format characters, halves of pairs, private and unassigned ones, line breaks."""
_MARKS = frozenset({"Mn", "Me"})


def printable(text: str, most: int = 80) -> str:
    """Return text with what cannot be seen shown by its number, cut to ``most`` characters with an ellipsis.

    A second mark upon a mark is shown by its number, too: many would grow over the lines around. It is not escaped for HTML.

    >>> printable("pay\\u202efdp.exe"), printable("a" * 9, 4)
    ('pay[U+202E]fdp.exe', 'aaa…')
    """
    shown: list[str] = []
    length, marked = 0, False
    for character in text:
        category = unicodedata.category(character)
        mark = category in _MARKS
        piece = f"[U+{ord(character):04X}]" if category in _HIDDEN or (mark and marked) else character
        marked = mark
        shown.append(piece)
        length += len(piece)
        if length > most:
            break
    joined = "".join(shown)
    return joined if len(joined) <= most else joined[: most - 1] + "…"

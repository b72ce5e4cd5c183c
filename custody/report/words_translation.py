"""What a translated report says of itself."""

from __future__ import annotations

from typing import Final

NOTICE: Final = (
    "TRANSLATION, NOT REVIEWED BY A LAWYER. The English document is the one of record; where the two differ, it alone "
    "counts."
)
SHEET: Final = "Translation, not reviewed by a lawyer. The English document is the one of record."
SOURCE: Final = "The document of record is {file}, made at the same time from the same bundle. Its SHA-256 is {digest}."
REST: Final = (
    "Words of the record stand in the language in which they were written. Sentences of the kit that this translation "
    "lacks stand in English: {count}."
)

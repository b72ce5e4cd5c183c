"""The contract's old place: import it from `forensics.media`."""

from forensics.media._contract import Medium, MediumError, read_part

__all__ = ["Medium", "MediumError", "read_part"]

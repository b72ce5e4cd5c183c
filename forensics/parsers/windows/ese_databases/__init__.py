"""What the ESE databases of Windows tell: one application a file. A new one is a file and one line in `FAMILIES`."""

from __future__ import annotations

from forensics.parsers.windows.ese_databases import file_history, srum, user_access, webcache

FAMILIES = (srum.FAMILY, webcache.FAMILY, file_history.FAMILY, user_access.FAMILY)
"""Every family whose tables a database has is asked."""

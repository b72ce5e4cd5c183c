"""logs/: the folder of logs the company's administrator handed over (mail server and webmail), with rotated ones.

    python3 sample_images/recipes/mail_logs.py OUT-FOLDER

Needs nothing but Python. The same bytes each time; the files' own times are those of their last line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import story


def main(folder: Path) -> None:
    """Write the logs; git keeps no times, so manifest.toml names them as well."""
    auth_old, auth = story.split_at_rotation(story.mail_auth())
    access_old, access = story.split_at_rotation(story.webmail_requests())
    mail = "\n".join(text for _, text in story.mail_log()) + "\n"
    for name, text, lines in (
        ("mx01/syslog", mail, story.mail_log()),
        ("mx01/auth.log.1", auth_old, story.mail_auth()[:-1]),
        ("mx01/auth.log", auth, story.mail_auth()),
        ("webmail/access.log.1", access_old, [line for line in story.webmail_requests() if line[1] in access_old]),
        ("webmail/access.log", access, story.webmail_requests()),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        last = int(lines[-1][0].timestamp())
        os.utime(path, (last, last))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""web01-ext4.img: the web server's file system (ext4, no partition table), 3 MiB.

    python3 sample_images/recipes/web_server.py OUT.img

Needs mke2fs and debugfs (e2fsprogs 1.47); no root, no mount: every file is placed by debugfs with the story's clock, so
the same bytes come out each time. The phishing kit and its harvest were there and are deleted.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import story

SIZE_KIB = 3072
UUID = "5ca1ab1e-2026-4309-8000-00000000e401"

LOGIN = """<?php // saves what is typed and sends the visitor on
file_put_contents(".data/hits.txt", gmdate("c")." ".$_SERVER["REMOTE_ADDR"]." ".$_POST["mail"]."\\n", FILE_APPEND);
header("Location: https://www.example.com/");
"""
PAGE = "<!doctype html><title>Faturë / Предрачун / Fatura</title><form method=post action=login.php>" + "<!-- -->" * 600
SHELL = (
    "sudo useradd -m -s /bin/bash svc-backup\nsudo usermod -aG sudo svc-backup\nsudo tar -xf kit.tar -C /var/www/html\n"
)


def files() -> list[tuple[str, str, str]]:
    """(path, content, when it was last written), in the order they came to be."""
    auth_old, auth = story.split_at_rotation(story.web_auth())
    access_old, access = story.split_at_rotation(story.web_requests())
    syslog = "\n".join(text for _, text in story.web_syslog()) + "\n"
    return [
        ("etc/hostname", "web01\n", "2026-01-12 10:00:00"),
        ("etc/timezone", "Europe/Belgrade\n", "2026-01-12 10:00:00"),
        (
            "var/www/html/index.html",
            "<!doctype html><title>Shërbimet · Услуге · Hizmetler</title>\n",
            "2026-02-02 11:30:00",
        ),
        ("home/arben/Shënime/çështje për nesër.txt", "Të ndryshohet fjalëkalimi!\n", "2026-03-05 16:20:00"),
        ("home/arben/Shënime/белешке.txt", "Обновити сертификат до краја марта.\n", "2026-03-05 16:25:00"),
        ("home/arben/Shënime/yapılacaklar İş.txt", "Yedekleri kontrol et, şifreyi değiştir.\n", "2026-03-05 16:27:00"),
        ("home/arben/.bash_history", SHELL, "2026-03-09 02:47:29"),
        ("var/www/html/invoice/index.html", PAGE, "2026-03-09 02:30:58"),
        ("var/www/html/invoice/login.php", LOGIN, "2026-03-09 02:30:58"),
        ("home/arben/kit.tar", PAGE + LOGIN, "2026-03-09 02:28:10"),
        ("var/www/html/invoice/.data/hits.txt", story.HITS, "2026-03-10 08:35:49"),
        ("var/log/auth.log.1", auth_old, "2026-03-11 23:17:00"),
        ("var/log/nginx/access.log.1", access_old, "2026-03-11 23:40:00"),
        ("var/log/auth.log", auth, "2026-03-15 23:17:00"),
        ("var/log/syslog", syslog, "2026-03-14 05:57:02"),
        ("var/log/nginx/access.log", access, "2026-03-15 19:50:00"),
    ]


DELETED = ["var/www/html/invoice/.data/hits.txt", "var/www/html/invoice/login.php", "var/www/html/invoice/index.html"]
DELETED_FOLDERS = ["var/www/html/invoice/.data", "var/www/html/invoice"]


def debugfs(image: Path, commands: list[str], at: str) -> None:
    """Run debugfs commands as if the clock stood at `at`; debugfs tells failures on stderr only."""
    clock = dict(os.environ, E2FSPROGS_FAKE_TIME=str(story.epoch(at)), TZ="UTC")
    script = "\n".join(commands) + "\n"
    run = subprocess.run(
        ["debugfs", "-w", "-f", "-", str(image)], input=script, env=clock, text=True, capture_output=True, check=True
    )
    errors = [line for line in run.stderr.splitlines() if not line.startswith("debugfs 1.")]
    if errors:
        raise SystemExit("\n".join(errors))


def place(image: Path, path: str, content: str, at: str, folder: Path) -> None:
    """One file with its folders; all its times are the story's."""
    source = folder / "content"
    source.write_text(content, encoding="utf-8")
    source.chmod(0o644)
    parts = path.split("/")
    for depth in range(1, len(parts)):
        parent = "/".join(parts[:depth])
        if parent not in PLACED:
            PLACED.add(parent)
            debugfs(image, [f'mkdir "/{parent}"'], at)
    moment = f"@{story.epoch(at)}"
    times = [f'set_inode_field "/{path}" {name} {moment}' for name in ("atime", "mtime", "ctime", "crtime")]
    owner = [f'set_inode_field "/{path}" {name} 1000' for name in ("uid", "gid") if path.startswith("home/arben")]
    debugfs(image, [f'write "{source}" "/{path}"', *times, *owner], at)


PLACED: set[str] = {"lost+found"}


def main(image: Path) -> None:
    """Make the file system, live through the story, delete what the story deletes."""
    born = dict(os.environ, E2FSPROGS_FAKE_TIME=str(story.epoch("2026-01-12 09:30:00")), TZ="UTC")
    options = f"hash_seed={UUID},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0"
    image.unlink(missing_ok=True)
    make = [
        "mke2fs",
        "-q",
        "-F",
        "-t",
        "ext4",
        "-b",
        "1024",
        "-N",
        "256",
        "-J",
        "size=1",
        "-L",
        "web01",
        "-U",
        UUID,
        "-E",
        options,
    ]
    subprocess.run([*make, str(image), f"{SIZE_KIB}k"], env=born, check=True)
    with tempfile.TemporaryDirectory() as folder:
        for path, content, at in files():
            place(image, path, content, at, Path(folder))
    debugfs(image, ['symlink "/var/www/html/kryefaqja" index.html'], "2026-02-02 11:31:00")
    debugfs(image, [f'rm "/{path}"' for path in DELETED], story.CLEAN_UP)
    debugfs(image, [f'rmdir "/{path}"' for path in DELETED_FOLDERS], story.CLEAN_UP)
    moment = f"@{story.epoch(story.CLEAN_UP)}"
    debugfs(image, [f'set_inode_field "/var/www/html" {name} {moment}' for name in ("mtime", "ctime")], story.CLEAN_UP)
    debugfs(image, ['rm "/home/arben/kit.tar"'], "2026-03-14 05:57:02")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

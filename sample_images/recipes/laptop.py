"""laptop-ntfs.img: the suspect's disk (MBR, one NTFS partition), about 4 MiB.

    sudo python3 sample_images/recipes/laptop.py OUT.img

Needs ntfs-3g, libfaketime and root for the mount. Each moment of the story is one mount under a clock that stands
still, so both $STANDARD_INFORMATION and $FILE_NAME carry the story's times; the changed invoice alone was given an
older date by hand. The same bytes each time with the same ntfs-3g and SQLite (its version stands in the history).
"""

from __future__ import annotations

import os
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import story

LEAD_SECTORS = 128
NTFS_BYTES = 4 * 1024 * 1024
CLOCK = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
HOME = "Users/dorian"
SID = "S-1-5-21-2026309000-1403202600-1203202600-1001"
WEBKIT_EPOCH = 11_644_473_600  # seconds from 1601 to 1970: Chrome counts microseconds from 1601

VISITS = [
    (
        "2026-03-06 19:12:08",
        "https://search.example.com/?q=si+t%C3%AB+fshehet+d%C3%ABrguesi",
        "si të fshehet dërguesi - Kërko",
    ),
    ("2026-03-06 19:29:44", "http://files.example.net/kits/", "Index of /kits/"),
    ("2026-03-06 19:31:02", "http://files.example.net/kits/kit_fatura.zip", ""),
    ("2026-03-09 02:33:12", f"http://{story.WEB_ADDRESS}/invoice/", "Faturë / Предрачун / Fatura"),
    ("2026-03-10 12:50:31", f"http://{story.WEB_ADDRESS}/invoice/.data/hits.txt", ""),
    ("2026-03-11 09:15:05", "https://webmail.example.com/webmail/?_task=login", "Webmail :: Hyrja"),
    ("2026-03-11 10:02:31", "https://webmail.example.com/webmail/?_task=mail&_action=send", "Webmail :: Dërgimi"),
    ("2026-03-12 12:58:17", "https://maps.example.com/?q=Крагујевац+аутобуска", "Крагујевац, аутобуска станица"),
    ("2026-03-12 21:40:55", "https://search.example.com/?q=İzmir+döviz+bürosu+ağ", "İzmir döviz bürosu ağ - Ara"),
    (
        "2026-03-13 21:10:29",
        "https://search.example.com/?q=si+t%C3%AB+fshij+skedar%C3%ABt",
        "si të fshij skedarët përgjithmonë",
    ),
]


def history(path: Path, until: str) -> None:
    """A browser's History database (the tables Chrome keeps visits and downloads in) with the visits up to `until`."""
    tables = """
        create table meta(key longvarchar not null unique primary key, value longvarchar);
        create table urls(id integer primary key autoincrement, url longvarchar, title longvarchar, visit_count integer
          default 0 not null, typed_count integer default 0 not null, last_visit_time integer not null, hidden integer
          default 0 not null);
        create table visits(id integer primary key autoincrement, url integer not null, visit_time integer not null,
          from_visit integer, transition integer default 0 not null, segment_id integer, visit_duration integer
          default 0 not null);
        create table downloads(id integer primary key, guid varchar not null, current_path longvarchar not null,
          target_path longvarchar not null, start_time integer not null, received_bytes integer not null, total_bytes
          integer not null, state integer not null, end_time integer not null, tab_url varchar not null, mime_type
          varchar(255) not null);
        create table downloads_url_chains(id integer not null, chain_index integer not null, url longvarchar not null,
          primary key(id, chain_index));
    """
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(tables)
        database.execute("insert into meta values('version', '69')")
        for at, url, title in VISITS:
            if at <= until:
                moment = webkit(at)
                row = database.execute(
                    "insert into urls(url, title, visit_count, last_visit_time) values(?,?,1,?)", (url, title, moment)
                )
                database.execute(
                    "insert into visits(url, visit_time, transition) values(?,?,?)", (row.lastrowid, moment, 805306368)
                )
        fetched = webkit("2026-03-06 19:31:02")
        target = "C:\\Users\\dorian\\Downloads\\kit_fatura.zip"
        values = (
            1,
            "0c0ffee0-2026-4306-8000-000000000001",
            target,
            target,
            fetched,
            4242,
            4242,
            1,
            fetched + 900_000,
            VISITS[1][1],
            "application/zip",
        )
        database.execute("insert into downloads values(?,?,?,?,?,?,?,?,?,?,?)", values)
        database.execute("insert into downloads_url_chains values(1, 0, ?)", (VISITS[2][1],))


def webkit(at: str) -> int:
    """Chrome's count: microseconds since 1601, UTC."""
    return (story.epoch(at) + WEBKIT_EPOCH) * 1_000_000


def bin_record(original: str, size: int, at: str) -> bytes:
    """A $I file of the recycle bin, version 2: size, FILETIME of the deletion, original path."""
    name = (original + "\0").encode("utf-16-le")
    filetime = (story.epoch(at) + WEBKIT_EPOCH) * 10_000_000
    return struct.pack("<QQQI", 2, size, filetime, len(original) + 1) + name


@contextmanager
def mounted(volume: Path, at: str) -> Iterator[Path]:
    """The volume mounted under a clock that stands at `at`."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(story.epoch(at)))
    clock = dict(os.environ, LD_PRELOAD=CLOCK, FAKETIME=moment, TZ="UTC")
    with tempfile.TemporaryDirectory() as folder:
        options = "no_detach,streams_interface=windows,atime"
        server = subprocess.Popen(["ntfs-3g", "-o", options, str(volume), folder], env=clock, stderr=subprocess.DEVNULL)
        while not Path(folder).is_mount():
            time.sleep(0.02)
        yield Path(folder)
        subprocess.run(["umount", folder], check=True)
        server.wait(timeout=30)


def write(root: Path, path: str, content: str | bytes) -> None:
    """A file, or a stream of one (`file:stream`), with its folders."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))


def visit(root: Path, at: str) -> None:
    """The browser's database as it stands after a visit."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "History"
        history(database, at)
        write(root, f"{HOME}/AppData/Local/Google/Chrome/User Data/Default/History", database.read_bytes())


def live(volume: Path) -> None:
    """The story, a mount a moment."""
    zone_identifier = "[ZoneTransfer]\r\nZoneId=3\r\nReferrerUrl=http://files.example.net/kits/\r\nHostUrl={}\r\n"
    words = "\n".join(f"arben{number}" for number in range(1985, 2026)) + "\n"
    with mounted(volume, "2026-01-04 11:00:00") as root:
        write(root, "Windows/System32/drivers/etc/hosts", "127.0.0.1 localhost\r\n")
        write(root, f"{HOME}/Pictures/Ulqin – plazhi.txt", "foto\n")
    with mounted(volume, "2026-03-06 19:31:02") as root:
        write(root, f"{HOME}/Downloads/kit_fatura.zip", b"PK\x05\x06" + bytes(18))
        write(root, f"{HOME}/Downloads/kit_fatura.zip:Zone.Identifier", zone_identifier.format(VISITS[2][1]))
    with mounted(volume, "2026-03-08 22:40:15") as root:
        write(root, f"{HOME}/Documents/fjalëkalime të provuara.txt", words)
        write(root, f"{HOME}/Documents/скрипте/провала.py", f'HOST, USER = "{story.WEB_ADDRESS}", "arben"\n')
    with mounted(volume, "2026-03-10 12:50:31") as root:
        write(root, f"{HOME}/Downloads/hits.txt", story.HITS)
        write(root, f"{HOME}/Downloads/hits.txt:Zone.Identifier", zone_identifier.format(VISITS[4][1]))
    with mounted(volume, "2026-03-11 09:40:09") as root:
        write(root, f"{HOME}/Documents/Faturë 2026-017 (e re).txt", story.FATURA)
        write(root, f"{HOME}/Documents/Предрачун бр. 17.txt", "Пример д.о.о., износ 18.400,00 EUR\n")
    with mounted(volume, "2026-03-12 12:40:33") as root:
        write(root, f"{HOME}/Documents/Kontakte.csv", story.KONTAKTE)
        write(root, f"{HOME}/Documents/Ödeme talimatı – IŞIK.txt", "Işıl Ağaçyürek, İzmir: 4.900 EUR, çarşamba günü\n")
    clean_up(volume)


def clean_up(volume: Path) -> None:
    """13 March, evening: the bin, real deletions, and an old date put on the changed invoice."""
    with mounted(volume, "2026-03-13 21:10:29") as root:
        visit(root, "2026-03-13 21:10:29")
    with mounted(volume, "2026-03-13 21:14:50") as root:
        bin_folder = root / "$Recycle.Bin" / SID
        bin_folder.mkdir(parents=True)
        (root / HOME / "Documents" / "Kontakte.csv").rename(bin_folder / "$R7K2QXA.csv")
        size = len(story.KONTAKTE.encode())
        record = bin_record("C:\\Users\\dorian\\Documents\\Kontakte.csv", size, "2026-03-13 21:14:50")
        write(root, f"$Recycle.Bin/{SID}/$I7K2QXA.csv", record)
    with mounted(volume, "2026-03-13 21:16:05") as root:
        (root / HOME / "Downloads" / "hits.txt").unlink()
        (root / HOME / "Documents" / "fjalëkalime të provuara.txt").unlink()
        (root / HOME / "Documents" / "скрипте" / "провала.py").unlink()
    with mounted(volume, "2026-03-13 21:19:44") as root:
        old = (story.epoch("2025-11-03 10:15:00") + WEBKIT_EPOCH) * 10_000_000
        invoice = root / HOME / "Documents" / "Faturë 2026-017 (e re).txt"
        os.setxattr(invoice, "system.ntfs_times", struct.pack("<QQQ", old, old, old))


def partition_table() -> bytes:
    """A master boot record with one NTFS partition after the lead, and the lead itself."""
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x07, b"\xfe\xff\xff", LEAD_SECTORS, NTFS_BYTES // 512)
    record = bytes(440) + struct.pack("<IH", 0x20260309, 0) + entry + bytes(48) + b"\x55\xaa"
    return record + bytes((LEAD_SECTORS - 1) * 512)


def main(image: Path) -> None:
    """Make the volume, live in it, put it behind a partition table."""
    with tempfile.TemporaryDirectory() as folder:
        volume = Path(folder) / "volume"
        volume.write_bytes(bytes(NTFS_BYTES))
        born = dict(os.environ, LD_PRELOAD=CLOCK, FAKETIME="2026-01-03 09:00:00", TZ="UTC")
        geometry = ["-p", str(LEAD_SECTORS), "-H", "16", "-S", "63", "-s", "512", "-c", "4096"]
        make = ["mkntfs", "-F", "-q", "-I", "-L", "Windows", *geometry, str(volume)]
        subprocess.run(make, env=born, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        live(volume)
        image.write_bytes(partition_table() + volume.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))

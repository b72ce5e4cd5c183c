"""What a log covers: first and last entry, gaps, and clocks that went back. Rotated files are one series.

Entries are taken in the order in which they were written: by their record number where the format numbers them, else
by their place in the file; the files of a series by their first entry. A series is the files of one folder whose names
differ only in what rotation adds (`access.log`, `access.log.1`, `access.log-20260301.gz`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from forensics.results import Run
from forensics.results.queries import Filter
from forensics.results.question import answer

ALL = Filter()
GAP = 24 * 3600 * 1_000_000_000
"""Nanoseconds without an entry that are told as a gap."""
BACK = 60 * 1_000_000_000
"""Nanoseconds an entry may be earlier than the one before it: several processes write one log."""
TOLD = 1000
"""Gaps, and steps back, of one series that are listed; all are counted."""

_ROTATION = r"([.-]\d{8}(-\d+)?|\.\d{1,4}|\.old)?(\.(gz|xz|bz2))?$"
_TIME = "coalesce(times['logged'], times['requested'], times['generated'])"
_SQL = f"""
WITH entries AS (
    SELECT exhibit, volume, path, kind, {_TIME} AS moment, file_row_number AS row,
        coalesce(try_cast(fields['record_id'] AS BIGINT), file_row_number) AS place,
        regexp_replace(path, '{_ROTATION}', '') AS series
    FROM read_parquet($files, file_row_number = true)
    WHERE (map_contains(times, 'logged') OR map_contains(times, 'requested') OR map_contains(times, 'generated')
        OR parser = 'syslog') AND NOT ends_with(kind, '.recovered')
        AND ($exhibit = '' OR exhibit = $exhibit) AND (len($kinds::VARCHAR[]) = 0
            OR len(list_filter($kinds::VARCHAR[], lambda k: kind = k OR starts_with(kind, k || '.'))) > 0)
        AND ($text = '' OR contains(lower(path), lower($text)))
), placed AS (
    SELECT *, min(moment) OVER (PARTITION BY exhibit, volume, path, kind) AS opened FROM entries
), followed AS (
    SELECT *, lag(moment) OVER one AS before FROM placed
    WINDOW one AS (PARTITION BY exhibit, volume, series, kind ORDER BY opened NULLS LAST, path, place, row)
)
SELECT exhibit, volume, series AS path, kind, count(*) AS entries, count(*) - count(moment) AS undated,
    list_sort(list(DISTINCT path)) AS files, min(moment) AS "first", max(moment) AS "last",
    count(*) FILTER (moment - before > $gap) AS gaps, count(*) FILTER (before - moment > $back) AS steps_back,
    coalesce(list({{'from': before, 'to': moment, 'path': path}} ORDER BY moment, path, row)
        FILTER (moment - before > $gap), [])[1:{TOLD}] AS gap_list,
    coalesce(list({{'from': before, 'to': moment, 'path': path}} ORDER BY moment, path, row)
        FILTER (before - moment > $back), [])[1:{TOLD}] AS back_list
FROM followed GROUP BY ALL ORDER BY exhibit, volume, path, kind
"""  # noqa: S608 - nothing of a caller's stands in it


def logs(runs: Sequence[Run], chosen: Filter = ALL, gap: int = GAP, back: int = BACK) -> Iterator[dict[str, Any]]:
    """A row for every series and kind, in the order of exhibit, volume, path. Times are nanoseconds since 1970.

    `gap_list` and `back_list` hold `{from, to, path}` of the entries on either side, at most `TOLD`; `files` are the
    paths of the series. `undated` counts entries without a time. Raises `ResultsError`.
    """
    values: dict[str, object] = {
        "files": [str(run.table("artefacts")) for run in runs],
        "exhibit": chosen.exhibit,
        "kinds": list(chosen.kinds),
        "text": chosen.text,
        "gap": gap,
        "back": back,
    }
    return answer(_SQL, values) if runs else iter(())

"""Linux: log-ins in the databases that follow wtmp and lastlog beyond 2038 (wtmpdb, lastlog2)."""

from __future__ import annotations

from forensics.parsers.databases._query import MICROSECONDS, SECONDS, Query

QUERIES = (
    Query(
        "linux.login",
        {"wtmp": "ID Type User Login Logout TTY RemoteHost Service"},
        "wtmp ORDER BY wtmp.ID",
        {"logged_in": ("wtmp.Login", MICROSECONDS), "logged_out": ("wtmp.Logout", MICROSECONDS)},
        {
            "type": "wtmp.Type",
            "user": "wtmp.User",
            "line": "wtmp.TTY",
            "host": "wtmp.RemoteHost",
            "service": "wtmp.Service",
            "row": "wtmp.ID",
        },
        {"type": {"1": "boot", "2": "run level", "3": "user"}},
    ),
    Query(
        "linux.last_login",
        {"Lastlog2": "Name Time TTY RemoteHost Service"},
        "Lastlog2 ORDER BY Lastlog2.Name",
        {"logged_in": ("Lastlog2.Time", SECONDS)},
        {
            "user": "Lastlog2.Name",
            "line": "Lastlog2.TTY",
            "host": "Lastlog2.RemoteHost",
            "service": "Lastlog2.Service",
        },
    ),
)

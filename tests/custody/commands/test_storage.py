"""A case whose ledger is in PostgreSQL, on the command line: every command works on it as on one in a file."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.console import EXAMINER, Lab
from tests.postgres_server import OWNER, WRITER, Server


def begin(lab: Lab, url: str, number: str = "C-1") -> None:
    words = ("--number", number, "--agency", "Invented Agency", "--examiner", EXAMINER)
    told = lab.run("init", lab.case, *words, "--ledger", url)
    assert told.code == 0, told


def named(lab: Lab) -> str:
    """What case.toml says of the ledger."""
    (line,) = (line for line in (lab.case / "case.toml").read_text().splitlines() if line.startswith("ledger"))
    return line.split('"')[1]


@pytest.fixture
def there(empty_lab: Lab, server: Server) -> Lab:
    """A lab whose case has its ledger in PostgreSQL, under a name of its own."""
    begin(empty_lab, server.url(OWNER))
    return empty_lab


def test_the_main_job(there: Lab) -> None:
    assert "#case_c_1_" in named(there)
    there.ingest("AH/1", there.stick())
    assert there.run("extract", "AH/1", "HELLO.TXT", "--purpose", "read it").code == 0
    assert there.run("verify", "--all").code == 0
    assert there.run("note", "the stick is scratched", "--exhibit", "AH/1").code == 0
    assert there.run("exhibit", "list").code == 0
    verified = there.run("ledger", "verify", "--json")
    assert (verified.code, verified.json["verdict"]) == (0, "INTACT WITH NOTES")
    assert any("pg_amcheck" in line for line in verified.json["not_checked"])
    kept = there.folder / "kept.txt"
    assert there.run("ledger", "checkpoint", "-o", kept).code == 0
    assert there.run("note", "what came after").code == 0
    grown = there.run("ledger", "verify", "--since", kept, "--json")
    assert (grown.code, grown.json["verdict"]) == (0, "INTACT WITH NOTES")
    bundle = there.folder / "bundle.json"
    assert there.run("bundle", "create", "-o", bundle, "--for", "the court").code == 0
    assert there.run("bundle", "verify", bundle).code == 0
    assert there.run("report", "-o", there.folder / "report").code == 0
    copy = there.folder / "copy.sqlite"
    assert there.run("ledger", "backup", copy, "--json").json["verdict"] == "INTACT WITH NOTES"
    assert not list(there.case.glob("ledger.sqlite*"))
    assert there.run("ledger", "upgrade", "--json").json == {"revision": "0002", "upgraded": False}


def test_two_cases_with_one_number_and_the_same_exhibit(there: Lab, server: Server) -> None:
    other = Lab(there.folder / "other")
    begin(other, server.url(OWNER))
    for lab in (there, other):
        lab.ingest("AH/1", lab.logs())
        assert lab.run("ledger", "verify").code == 0
    assert named(there) != named(other)


def test_there_and_back_with_the_same_root(there: Lab, server: Server) -> None:
    there.ingest("AH/1", there.logs())
    first = there.run("ledger", "verify", "--json").json
    began = named(there)
    told = there.run("ledger", "move", "ledger.sqlite", "--json")
    assert told.code == 0, told
    assert (told.json["size"], told.json["kept"]) == (str(len(there.log())), began.partition("#")[2] + "_moved")
    assert named(there) == "ledger.sqlite"
    there.run("ledger", "move", "ledger.sqlite").refused(1, "is there already")
    again = there.run("ledger", "verify", "--json").json
    assert (again["verdict"], again["checked"]) == (first["verdict"], first["checked"])
    back = there.run("ledger", "move", server.url(OWNER))
    assert back.code == 0, back
    assert told.json["root"] in back.out
    assert "ledger.sqlite.moved" in back.out
    assert there.run("note", "work goes on").code == 0
    assert there.run("ledger", "verify").code == 0


def test_an_administrator_prepares_and_grants(empty_lab: Lab, server: Server) -> None:
    name = f"c{secrets.token_hex(4)}"
    begun = empty_lab.run("ledger", "schema", name, "--role", WRITER)
    assert begun.code == 0
    assert empty_lab.run("ledger", "schema", name, "--role", WRITER, "--json").json["name"] == name
    server.do(begun.out)
    begin(empty_lab, server.url(WRITER, name))
    empty_lab.ingest("AH/1", empty_lab.logs())
    assert empty_lab.run("ledger", "verify").code == 0
    empty_lab.run("ledger", "grant", "--role", "pg_monitor").refused(1, "your role may not")
    empty_lab.run("ledger", "move", "ledger.sqlite").refused(1, "your role may not")
    assert empty_lab.run("ledger", "verify").code == 0


def test_the_owner_grants(there: Lab, server: Server) -> None:
    told = there.run("ledger", "grant", "--role", WRITER)
    assert (told.code, "may read and append" in told.out) == (0, True)
    assert there.run("ledger", "grant", "--role", WRITER, "--json").json["roles"] == [WRITER]
    there.run("ledger", "grant", "--role", "nobody at all").refused(1, "does not exist")
    assert there.run("ledger", "grant").code == 2
    theirs = named(there).replace(f"user={OWNER}", f"user={WRITER}")
    (there.case / "case.toml").write_text((there.case / "case.toml").read_text().replace(named(there), theirs))
    assert there.run("note", "as one who may only add").code == 0


def test_fields_are_erased_by_the_owner(there: Lab, server: Server) -> None:
    assert there.run("note", "Ilir was seen").code == 0
    assert there.run("ledger", "grant", "--role", WRITER).code == 0
    index = next(str(line["index"]) for line in there.log() if line["type"] == "note")
    words = ("ledger", "erase", index, "text", "--reason", "order 4/26")
    owned, toml = named(there), there.case / "case.toml"
    toml.write_text(toml.read_text().replace(owned, owned.replace(f"user={OWNER}", f"user={WRITER}")))
    there.run(*words).refused(1, "your role may not", "Its owner may")
    assert "Ilir" in there.run("ledger", "log").out
    assert there.run("ledger", "verify").code == 0
    toml.write_text(toml.read_text().replace(f"user={WRITER}", f"user={OWNER}"))
    there.run(*words).refused(1, "is erased already")
    assert "Ilir" not in there.run("ledger", "log").out
    assert there.run("ledger", "verify").code == 0


def test_a_ledger_put_back_is_noticed(there: Lab, server: Server, tmp_path: Path) -> None:
    name = named(there).partition("#")[2]
    tables = ("entry", "opening", "node", "chain", "checkpoint")
    off = "SET session_replication_role = replica;"
    server.do(*(f"CREATE TABLE public.{name}_{table} AS SELECT * FROM {name}.{table}" for table in tables))
    assert there.run("note", "of which nobody shall know").code == 0
    server.do(
        *(f"{off} DELETE FROM {name}.{table}" for table in tables),
        *(f"{off} INSERT INTO {name}.{table} SELECT * FROM public.{name}_{table}" for table in tables),
    )
    there.run("note", "x").refused(3, "does not contain the history")
    there.run("ledger", "move", "ledger.sqlite").refused(3, "does not contain the history")
    told = there.run("ledger", "verify", "--json")
    assert (told.code, told.json["verdict"]) == (3, "BROKEN")


def test_what_cannot_be_a_ledger_is_refused_before_anything_is_made(empty_lab: Lab, server: Server) -> None:
    words = ("init", empty_lab.case, "--number", "1", "--agency", "A", "--examiner", EXAMINER, "--ledger")
    told = empty_lab.run(*words, "postgresql://ada:hunter2@localhost/evidence")
    told.refused(1, "holds a password", "PGPASSFILE")
    assert "hunter2" not in told.err
    empty_lab.run(*words, "mysql://localhost/evidence").refused(1, "neither the case's own file nor in PostgreSQL")
    assert not empty_lab.home.exists()
    empty_lab.run(*words, server.url(OWNER, database="nothing")).refused(1, "does not let us in")
    assert not (empty_lab.case / "case.toml").exists()


def test_a_file_has_no_roles(lab: Lab) -> None:
    lab.run("ledger", "grant", "--role", WRITER).refused(1, "this ledger is a file")
    (lab.case / "case.toml").write_text('number = "C-1"\nledger = "elsewhere.sqlite"\n')
    lab.run("ledger", "log").refused(1, "neither the case's own file")

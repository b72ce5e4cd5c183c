"""Revisions: what Alembic makes is what `schema.create` makes, from the source tree and from the wheel's place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from custody.ledger import migrations, schema
from custody.ledger.errors import CustodyError, LedgerVersionError


def upgraded(path: Path) -> dict[str, str]:
    path.touch()
    engine = schema.engine_for(path, writable=True)
    with engine.begin() as connection:
        migrations.upgrade(connection)
        return schema.describe(connection) | marks(connection)


def marks(connection: Connection) -> dict[str, str]:
    return {
        "application": str(connection.exec_driver_sql("PRAGMA application_id").scalar_one()),
        "revision": str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()),
    }


def test_the_revisions_make_exactly_what_create_makes(tmp_path: Path) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        schema.create(connection)
        created = schema.describe(connection) | marks(connection)
    assert upgraded(tmp_path / "ledger.sqlite") == created
    made = len(schema.metadata.tables) + len(schema.TRIGGERS) + len(schema.INDEXES)
    assert len(created) == made + 4  # version, its index, two marks


def test_the_newest_revision_is_the_one_the_code_reads() -> None:
    assert migrations.newest() == schema.REVISION


def test_an_upgrade_of_a_current_ledger_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    first = upgraded(path)
    assert upgraded(path) == first


def test_an_upgrade_is_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.touch()
    engine = schema.engine_for(path, writable=True)
    connection = engine.connect()
    transaction = connection.begin()
    migrations.upgrade(connection)
    assert "entry" in schema.describe(connection)
    transaction.rollback()
    assert schema.describe(connection) == {}


def test_a_revision_we_do_not_have_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    upgraded(path)
    with schema.engine_for(path, writable=True).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0777'")
        with pytest.raises(LedgerVersionError, match="0777") as caught:
            migrations.upgrade(connection)
    assert "\n" not in str(caught.value)


def test_a_path_with_a_percent_sign_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alembic's configuration takes `%` for an interpolation."""
    package = tmp_path / "50% off" / "custody"
    shutil.copytree(migrations.scripts(), package / "_migrations")
    monkeypatch.setattr(migrations, "scripts", lambda: package / "_migrations")
    assert upgraded(tmp_path / "ledger.sqlite")["revision"] == schema.REVISION


def test_the_scripts_are_found_in_a_wheel_and_in_a_source_tree(tmp_path: Path) -> None:
    package = tmp_path / "custody"
    package.mkdir()
    with pytest.raises(CustodyError, match="not installed"):
        migrations.scripts(package)
    shutil.copytree(migrations.scripts(), tmp_path / "alembic")
    assert migrations.scripts(package) == tmp_path / "alembic"
    shutil.copytree(migrations.scripts(), package / "_migrations")
    assert migrations.scripts(package) == package / "_migrations"


def test_env_refuses_to_run_without_our_connection() -> None:
    import alembic.command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(migrations.scripts()))
    with pytest.raises(CommandError, match="evikit ledger upgrade"):
        alembic.command.upgrade(config, "head")


def test_revisions_are_frozen_copies_and_only_go_up() -> None:
    for path in (migrations.scripts() / "versions").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "import custody" not in text
        assert "from custody" not in text
        assert "no way down" in text
        assert "batch_alter_table" not in text, "it drops triggers silently"

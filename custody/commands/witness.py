"""`evikit ledger witness` and `evikit ledger fraud`: heads signed by someone outside, and two histories proved."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from custody.commands.screen import (
    INTEGRITY,
    Settings,
    passphrase,
    put_facts,
    put_json,
    remark,
    settled,
    with_settings,
    write_new,
)
from custody.ledger.errors import CustodyError

if TYPE_CHECKING:
    from custody.witness import Witness


@click.group()
@settled
def witness() -> None:
    """Sign the heads of ledgers as someone outside the laboratory. Needs no case."""


@witness.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The cosigned checkpoint.")
@click.option("--name", required=True, metavar="NAME", help="Your name as a witness, such as court.example/witness.")
@with_settings
def sign(settings: Settings, bundle: Path, output: Path, name: str) -> None:
    """Sign the head of BUNDLE, if it continues the head of its ledger that you saw last.

    An older head is refused. Another history is refused too, and written out as a proof that anyone can check.
    """
    from custody.disclose import read_bundle
    from custody.witness import ForkError

    _validate_new(output)
    data, signer = read_bundle(bundle), _witness(name)
    try:
        done = signer.cosign(data, int(time.time()))
    except ForkError as fork:
        _keep_proof(settings, output, fork.proof)
        raise
    write_new(output, done.note)
    facts = {"checkpoint": str(output), "size": str(done.size), "size_before": str(done.before), "key": signer.key}
    if settings.json:
        put_json(facts)
        return
    put_facts({name.replace("_", " "): value for name, value in facts.items()})
    if not done.before:
        remark(settings, "This ledger was not known before: its head was taken as it came.")


@witness.command()
@click.option("--name", required=True, metavar="NAME", help="Your name as a witness, such as court.example/witness.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port; else any that is free.")
@with_settings
def serve(settings: Settings, name: str, port: int) -> None:
    """Answer `witness ask` on this machine's loopback address until you stop it (Ctrl-C)."""
    from custody.witness_http import LOOPBACK, Server

    with Server(_witness(name), port) as server:
        facts = {"url": f"http://{LOOPBACK}:{server.server_port}", "key": server.witness.key}
        if settings.json:
            put_json(facts)
        else:
            put_facts(facts)
        sys.stdout.flush()
        server.serve_forever()


@witness.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The cosigned checkpoint.")
@click.option("--url", required=True, metavar="URL", help="Where the witness answers, such as http://127.0.0.1:8080.")
@click.option("--key", required=True, metavar="NAME+KEY", help="The witness's key, got from the witness itself.")
@with_settings
def ask(settings: Settings, bundle: Path, output: Path, url: str, key: str) -> None:
    """Have the head of BUNDLE signed by a witness; its answer is verified here before it is kept."""
    from custody.disclose import read_bundle
    from custody.witness import ForkError
    from custody.witness_http import ask as asked

    _validate_new(output)
    try:
        note = asked(url, key, read_bundle(bundle))
    except ForkError as fork:
        _keep_proof(settings, output, fork.proof)
        raise
    write_new(output, note)
    if settings.json:
        put_json({"checkpoint": str(output)})
    else:
        put_facts({"checkpoint": output})


def _validate_new(output: Path) -> None:
    if output.exists():
        raise CustodyError(f"{output} exists already", "Choose another name: nothing is overwritten.")
    if not output.parent.is_dir():
        raise CustodyError(f"there is no folder {output.parent}", "Make it first, or choose another place.")


def _keep_proof(settings: Settings, output: Path, proof: bytes) -> None:
    from custody.durable import write_durably

    path = output.with_name(output.name + ".fraud.json")
    write_durably(path, proof, 0o644)
    remark(settings, f"The proof of two histories: {path}")


def _witness(name: str) -> Witness:
    """The witness of this name in the key store; its key is made when it is first asked for."""
    from custody.people import Home
    from custody.witness import Witness, validate_name

    validate_name(name)
    home, secret = Home.default(), passphrase()
    person = home.find(name, "witness") or home.make_person(name, "witness", "court", secret)
    return Witness(home.path / "witnessed.sqlite", name, home.entry_key(person.key, secret).private)


@witness.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--key", required=True, metavar="NAME+KEY", help="The witness's key, got from the witness itself.")
@with_settings
def check(settings: Settings, checkpoint: Path, key: str) -> None:
    """Say when a witness signed CHECKPOINT: from then on the history before it cannot be changed unseen."""
    from custody.moment import claimed
    from custody.witness import cosigned_at

    at = cosigned_at(_read(checkpoint), key)
    if at is None:
        raise CustodyError("that witness has not signed this checkpoint", "Compare name and key with the witness's.")
    facts = {"witness": key.partition("+")[0], "signed_at": claimed(at * 1_000_000_000)}
    if settings.json:
        put_json(facts)
    else:
        put_facts({name.replace("_", " "): value for name, value in facts.items()})


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.argument("bundle", required=False, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the proof, if there is one.")
@with_settings
def fraud(settings: Settings, checkpoint: Path, bundle: Path | None, output: Path | None) -> None:
    """Tell whether a kept CHECKPOINT and a BUNDLE are two histories of one ledger; needs no case and no key.

    Without BUNDLE the file is such a proof, which is checked anew. Exit code 3: two histories, both signed.
    """
    from custody.disclose import read_bundle
    from custody.fraud import compare, dump_proof, load_proof

    if bundle is None:
        note, data = load_proof(_read(checkpoint))
    else:
        note, data = _read(checkpoint), read_bundle(bundle)
    found = compare(note, data)
    if found is not None and output is not None:
        write_new(output, dump_proof(note, data))
    roots = [root.hex() for root in found.roots] if found is not None else []
    if settings.json:
        put_json({"two_histories": found is not None, "size": str(found.size) if found else None, "roots": roots})
    elif found is None:
        put_facts({"one history": "the bundle continues this checkpoint"})
    else:
        put_facts(
            {
                "TWO HISTORIES": f"of ledger {found.ledger}",
                "entries": found.size,
                "one root": roots[0],
                "another root": roots[1],
                "signed by": "the ledger's own keys, both times",
            }
        )
    if found is not None:
        click.get_current_context().exit(INTEGRITY)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CustodyError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error

"""`evikit exhibit`: things in custody, who holds them, and how they go from hand to hand."""

from __future__ import annotations

import click

from custody.commands import exhibit_changes, hand_over, transfer
from custody.commands.exhibit_label import label
from custody.commands.exhibit_list import list_
from custody.commands.exhibit_register import register
from custody.commands.exhibit_relocate import relocate
from custody.commands.exhibit_show import show
from custody.commands.screen import settled


@click.group()
@settled
def exhibit() -> None:
    """Things in custody: who holds them, and how they go from hand to hand."""


_COMMANDS = (
    register, list_, show, label, *exhibit_changes.COMMANDS, relocate, *transfer.COMMANDS, *hand_over.COMMANDS,
)  # fmt: skip
for _command in _COMMANDS:
    exhibit.add_command(_command)

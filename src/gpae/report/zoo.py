"""The zoo as a table."""

from rich.console import Console
from rich.table import Column, Table

from gpae.zoo import Card, cards


def show_zoo(console: Console) -> None:
    """Print every team with its result, and the commands that trained them."""
    name = Column("team", no_wrap=True)
    columns = ("method", "env steps", "result", "95 % interval", "episodes", "date", "gpae")
    table = Table(name, *columns, box=None, pad_edge=False)
    for team, card in cards().items():
        table.add_row(team, *_cells(card))
    console.print(table)
    for team, card in cards().items():
        console.print(f"{team}: {card.command}", soft_wrap=True)


def _cells(card: Card) -> tuple[str, ...]:
    return (
        card.method,
        f"{card.env_steps:,}",
        f"{card.metric} {card.mean:.3f}",
        f"{card.low:.3f} to {card.high:.3f}",
        f"{card.episodes:,}",
        card.date,
        card.versions["gpae"],
    )

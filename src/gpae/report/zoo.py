"""The zoo as a table."""

from rich.console import Console
from rich.table import Column, Table

from gpae.zoo import Card, cards


def show_zoo(console: Console) -> None:
    """Print every team with its result, and the commands that trained them."""
    columns = ("team", "method", "env steps", "result", "95 % interval", "episodes")
    table = Table(*(Column(name, no_wrap=True) for name in columns), box=None, pad_edge=False)
    for team, card in cards().items():
        table.add_row(team, *_cells(card))
    console.print(table)
    for team, card in cards().items():
        origin = f"{card.date}, gpae {card.versions['gpae']}"
        console.print(f"{team} ({origin}): {card.command}", soft_wrap=True)


def _cells(card: Card) -> tuple[str, ...]:
    return (
        card.method,
        f"{card.env_steps:,}",
        f"{card.metric} {card.mean:.3f}",
        f"{card.low:.3f} to {card.high:.3f}",
        f"{card.episodes:,}",
    )

"""The methods side by side, as their own declarations have them (Table 1 of the paper)."""

from rich.console import Console
from rich.table import Table

from gpae.methods import METHOD_PROPERTIES, Properties


def show_methods(console: Console) -> None:
    """Print the paper's Table 1 for every method there is, then each one's source and note."""
    table = Table(
        "method", "credit assignment", "off-policy", "additional bias\n(lambda = 1)", box=None
    )
    for name, properties in METHOD_PROPERTIES.items():
        table.add_row(name, properties.credit, *map(_yes_or_no, _flags(properties)))
    console.print(table)
    console.print()
    for name, properties in METHOD_PROPERTIES.items():
        note = f"; {properties.note}" if properties.note else ""
        console.print(f"{name}: {properties.source}{note}", soft_wrap=True, highlight=False)


def _flags(properties: Properties) -> tuple[bool, bool | None]:
    return properties.off_policy, properties.additional_bias


def _yes_or_no(flag: bool | None) -> str:
    return "-" if flag is None else "yes" if flag else "no"

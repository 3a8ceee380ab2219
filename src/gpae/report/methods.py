"""Table 1 of the paper for the registered methods."""

from rich.console import Console
from rich.table import Table

from gpae.methods import METHODS, Table1Row


def show_methods(console: Console) -> None:
    """Print Table 1 for every registered method, then each method's source and note."""
    table = Table(
        "method", "credit assignment", "off-policy", "additional bias\n(lambda = 1)", box=None
    )
    rows = {name: METHODS[name].table1 for name in METHODS}
    for name, row in rows.items():
        table.add_row(name, row.credit, *map(_yes_or_no, _flags(row)))
    console.print(table)
    console.print()
    for name, row in rows.items():
        note = f"; {row.note}" if row.note else ""
        console.print(f"{name}: {row.source}{note}", soft_wrap=True, highlight=False)


def _flags(row: Table1Row) -> tuple[bool, bool | None]:
    return row.off_policy, row.additional_bias


def _yes_or_no(flag: bool | None) -> str:
    return "-" if flag is None else "yes" if flag else "no"

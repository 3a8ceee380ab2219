"""A report on runs: what was compared, in tables, pictures, and one page."""

from gpae.report.document.write import write_report

__all__ = ["write_report"]

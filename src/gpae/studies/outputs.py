"""Tables and pictures of a study, written anew from what is archived."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gpae.errors import UserError
from gpae.report.drawing import save_picture
from gpae.runs.files import disk_errors, write_atomically
from gpae.studies.archive import ArchivedRun, study_folder
from gpae.studies.cells import FilledCell, fill_cells
from gpae.studies.declaration import Study, find_study
from gpae.studies.drawing import draw_study
from gpae.studies.plan import make_plan
from gpae.studies.printed import printed_numbers
from gpae.studies.seeds import profile_figure
from gpae.studies.tables import table_of

PROFILES = "profiles.png"
"""The picture of performance profiles in a study's folder."""


def with_grid(study: Study) -> Study:
    """The study itself, or one that draws another's runs with that one's grid and numbers."""
    if study.runs_of is None:
        return study
    other = find_study(study.runs_of)
    return replace(
        other,
        title=study.title,
        claim=study.claim,
        aggregate=study.aggregate,
        runs_of=study.runs_of,
    )


def cells_of(
    name: str, study: Study, archive: Sequence[ArchivedRun], seeds: int | None, scale: float
) -> list[FilledCell]:
    """All cells of a study with their runs; a study of another one's runs has that one's."""
    plan = make_plan(study, seeds=seeds, scale=scale)
    return fill_cells(study.runs_of or Path(name).stem, plan.cells, archive)


def write_outputs(
    name: str,
    archive: Sequence[ArchivedRun],
    results: Path,
    *,
    seeds: int | None = None,
    scale: float = 1.0,
) -> list[Path]:
    """Write a study's table, and its pictures if there are runs to draw.

    Args:
        name: The study's name.
        archive: All archived runs of the scale.
        results: The folder of all results.
        seeds: Number of seeds, instead of the study's.
        scale: Factor of its environment steps.

    Returns:
        The files written.

    Raises:
        UserError: They cannot be written.
    """
    study = with_grid(find_study(name))
    cells = cells_of(name, study, archive, seeds, scale)
    folder = study_folder(results, name, scale)
    table, picture = folder / "table.md", folder / "curves.png"
    text = table_of(cells, study.measures, printed_numbers(study.printed), scale)
    heading = f"# {study.title}\n\n{study.claim}\n\n"
    with disk_errors(f"write to {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(table, (heading + text).encode())
    try:
        drawn = [picture] if draw_study(study, cells, picture) else []
        if (profiles := profile_figure(study, cells)) is not None:
            save_picture(profiles, folder / PROFILES)
            drawn.append(folder / PROFILES)
    except UserError as error:
        raise UserError(f"study {name}: {error}") from error
    return [table, *drawn]

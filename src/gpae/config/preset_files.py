"""Presets as files: those of a source or a suite, and those of one task each."""

from pathlib import Path

_FILES = Path(__file__).with_name("preset")

SUITE_PRESETS = ("jaxmarl", "release", "mabrax")

TASK_PRESETS = tuple(
    sorted(path.relative_to(_FILES).with_suffix("").as_posix() for path in _FILES.glob("*/*.yaml"))
)
"""Presets of one task each, by its name: settings that runs of our own found to do better there."""

PRESETS = (*SUITE_PRESETS, *TASK_PRESETS)


def evidence(preset: str) -> str:
    """The evidence that a preset's file names: the comments above its settings, as one text."""
    lines = (_FILES / f"{preset}.yaml").read_text(encoding="utf-8").splitlines()[1:]
    texts = []
    for line in lines:
        if not line.startswith("#"):
            break
        texts.append(line.removeprefix("#").strip())
    return " ".join(texts)

"""Hooks of the documentation site: pages from outside ``docs``, and docstrings without roles.

Links are written between files of the repository, so that they work wherever its files are read. On
the site a file of ``docs`` has its path there, any other its path in the repository.
"""

import os.path
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from griffe import Extension
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
sys.path.append(str(DOCS))

from notebook_page import notebook_page  # noqa: E402

MOVED = {DOCS / "walkthrough.ipynb": "index.md", ROOT / "README.md": "overview.md"}
"""Files that have another path on the site."""
LINK = re.compile(r'(?<=\]\()(?!\w+:|[#/])[^)#\s]+|(?<=src=")(?!\w+:|/)[^"]+')
ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`~?([^`]+)`")


def on_files(files: Files, config: Any) -> Files:
    """Add the navigation's pages outside ``docs``, and every file that a page links to."""
    pending = [_source(file.src_uri) for file in files.documentation_pages()]
    pending += [_source(uri) for uri in _pages(config.nav)]
    seen: set[Path] = set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        for file in _rendered(path, config):
            if files.get_file_from_path(file.src_uri) is None:
                files.append(file)
        if path.suffix in (".md", ".ipynb"):
            links = (_target(path, link) for link in LINK.findall(_text(path)))
            pending += [target for target in links if target.is_file()]
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Rewrite a page's links between files of the repository as links of the site."""
    uri = page.file.src_uri
    path = _source(uri)

    def rewrite(link: re.Match[str]) -> str:
        target = _target(path, link[0])
        return os.path.relpath(_site_uri(target), Path(uri).parent) if target.is_file() else link[0]

    return LINK.sub(rewrite, markdown)


def _rendered(path: Path, config: Any) -> Iterator[File]:
    """The files of the site that a file of the repository becomes."""
    uri = _site_uri(path)
    if path.suffix != ".ipynb":
        yield File.generated(config, uri, abs_src_path=str(path))
        return
    text, pictures = notebook_page(path)
    yield File.generated(config, uri, content=text)
    for name, contents in pictures.items():
        yield File.generated(config, (Path(uri).parent / name).as_posix(), content=contents)


def _text(path: Path) -> str:
    """A page in Markdown."""
    return notebook_page(path)[0] if path.suffix == ".ipynb" else path.read_text()


def _pages(navigation: Any) -> Iterator[str]:
    if isinstance(navigation, str):
        yield navigation
    else:
        items = navigation.values() if isinstance(navigation, dict) else navigation
        for item in items:
            yield from _pages(item)


def _target(page: Path, link: str) -> Path:
    """The file that a page's link leads to; a folder's is its README."""
    target = (page.parent / link).resolve()
    return target / "README.md" if target.is_dir() else target


def _site_uri(path: Path) -> str:
    """The path on the site of a file of the repository."""
    base = DOCS if path.is_relative_to(DOCS) else ROOT
    return MOVED.get(path) or path.relative_to(base).as_posix()


def _source(uri: str) -> Path:
    """The file of the repository that has a path on the site."""
    moved = {site: path for path, site in MOVED.items()}
    inside = DOCS / uri
    return moved.get(uri) or (inside if inside.exists() else ROOT / uri)


class PlainRoles(Extension):
    """Writes names in docstrings as code, without the roles of another markup."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Rewrite an object's docstring."""
        if obj.docstring:
            obj.docstring.value = ROLE.sub(r"`\1`", obj.docstring.value)

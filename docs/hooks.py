"""Hooks of the documentation site: pages from outside ``docs``, and docstrings without roles.

Links are written between files of the repository, so that they work wherever its files are read. On
the site a file of ``docs`` has its path there, any other its path in the repository.
"""

import os.path
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from griffe import Extension
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
LINK = re.compile(r'(?<=\]\()(?!\w+:|[#/])[^)#\s]+|(?<=src=")(?!\w+:|/)[^"]+')
ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`~?([^`]+)`")


def on_files(files: Files, config: Any) -> Files:
    """Add the navigation's pages outside ``docs``, and every file that a page links to."""
    pending = [DOCS / file.src_uri for file in files.documentation_pages()]
    pending += [ROOT / uri for uri in _pages(config.nav) if not (DOCS / uri).exists()]
    seen: set[Path] = set()
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        uri = _site_uri(path)
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, abs_src_path=str(path)))
        if path.suffix == ".md":
            links = (_target(path, link) for link in LINK.findall(path.read_text()))
            pending += [target for target in links if target.is_file()]
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Rewrite a page's links between files of the repository as links of the site."""
    uri = page.file.src_uri
    path = DOCS / uri if (DOCS / uri).exists() else ROOT / uri

    def rewrite(link: re.Match[str]) -> str:
        target = _target(path, link[0])
        return os.path.relpath(_site_uri(target), Path(uri).parent) if target.is_file() else link[0]

    return LINK.sub(rewrite, markdown)


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
    return path.relative_to(DOCS if path.is_relative_to(DOCS) else ROOT).as_posix()


class PlainRoles(Extension):
    """Writes names in docstrings as code, without the roles of another markup."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Rewrite an object's docstring."""
        if obj.docstring:
            obj.docstring.value = ROLE.sub(r"`\1`", obj.docstring.value)

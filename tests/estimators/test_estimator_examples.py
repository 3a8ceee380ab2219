"""The examples that readers copy: the package's docstring and the page on the estimators."""

import contextlib
import doctest
import io
import re
from pathlib import Path

import numpy as np

from gpae import estimators
from gpae.estimators import trace_schemes

PAGE = Path(__file__).parents[2] / "docs" / "estimators.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_docstring_example_holds():
    results = doctest.testmod(estimators)
    assert results.attempted > 0
    assert results.failed == 0


def printed_by(code, names):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()


def test_the_page_shows_what_its_example_prints():
    example, _, corrected = blocks("python")
    (shown,) = blocks("text")
    names = {}
    assert printed_by(example, names) == shown
    exec(corrected, names)
    # rho^-i of step 1 is 1.5 for agent 1 and .6 for agent 2; of step 3, 1 for both.
    expected = [[1.5, 0.6], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]
    np.testing.assert_allclose(names["weights"], expected, rtol=1e-6)


def test_the_pages_own_scheme_is_one():
    _, own_scheme, _ = blocks("python")
    exec(own_scheme, {"estimators": estimators})
    try:
        found = estimators.traces("own", np.log([[2.0, 0.5]]), lambda_=0.5)
    finally:
        del trace_schemes._SCHEMES["own"]
    np.testing.assert_allclose(found, [[1.0, 0.25]], rtol=1e-6)


def test_the_page_lists_every_name():
    listed = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(estimators.__all__)

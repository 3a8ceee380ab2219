"""Fixtures that run the command line in this process, in an empty folder."""

import contextlib
import io
from dataclasses import dataclass

import pytest

from gpae.cli import main


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def gpae(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(word) for word in words])
        return Result(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def refused(gpae, tmp_path):
    """Assert that arguments are refused in one line and nothing is written; return the line."""

    def check(*words):
        before = sorted(tmp_path.rglob("*"))
        result = gpae(*words)
        assert result.code == 2
        assert result.out == ""
        assert result.err.startswith("gpae: ")
        assert result.err.count("\n") == 1
        assert result.err.endswith("\n")
        assert "Traceback" not in result.err
        assert sorted(tmp_path.rglob("*")) == before
        return result.err

    return check

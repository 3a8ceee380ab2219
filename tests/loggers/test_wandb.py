"""W&B offline: what is written is read back from its files, and one id holds in all sittings."""

import struct
import time

import pytest

wandb = pytest.importorskip("wandb", reason="pip install 'gpae[wandb]' to test it")
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    for name in ("WANDB_API_KEY", "WANDB_PROJECT", "WANDB_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    yield
    wandb.teardown()


BLOCK, HEADER, FULL, LAST = 32768, 7, 1, 4


def chunks(contents):
    """The chunks of an offline file, a log in LevelDB's format behind a header of W&B's."""
    at, chunk = HEADER, b""
    while at + HEADER <= len(contents):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
        _, length, kind = struct.unpack_from("<IHB", contents, at)
        chunk += contents[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (FULL, LAST):
            yield chunk
            chunk = b""


def records(run):
    """The records of a run's offline files, in the order of the sittings."""
    for path in sorted((run.path / "wandb").glob("offline-run-*/run-*.wandb")):
        yield from _whole(path)


def _whole(path):
    """The records of a file once it is whole: W&B's own process writes it a moment later."""
    from wandb.proto.wandb_internal_pb2 import Record

    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = [Record.FromString(each) for each in chunks(path.read_bytes())]
        if any(record.HasField("exit") for record in found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"{path} has no end")


def logged(run, tag):
    """Env steps and values of a tag."""
    rows = [
        {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
        for record in records(run)
        if record.HasField("history")
    ]
    return [(int(row["env_steps"]), float(row[tag])) for row in rows if tag in row]


def test_a_run_goes_on_under_its_id(make_run, sitting, said):
    run = sitting(make_run("wandb"), [1, 2, 3])
    identity = (run.path / "wandb_id.txt").read_text().strip()
    time.sleep(1.1)  # W&B names its offline folders by the second
    sitting(run, [3, 4], resume=2, status="finished")
    assert said == []
    begun = [record.run for record in records(run) if record.HasField("run")]
    assert {each.run_id for each in begun} == {identity}
    assert {each.project for each in begun} == {"gpae"}
    assert begun[0].display_name == "run"
    assert begun[0].run_group == "gpae on smax/3m"
    assert set(begun[0].tags) == {"smax/3m", "gpae", "first"}
    assert {item.key for item in begun[0].config.update} >= {"task", "method", "seed"}
    assert logged(run, "train/win_rate") == [(100 * k, 0.5) for k in (1, 2, 3, 4)]
    assert logged(run, "evaluation/greedy/win_rate") == [(300, 0.75), (400, 0.75)]
    results = [
        item.value_json
        for record in records(run)
        for item in record.summary.update
        if item.key == "absolute/greedy/win_rate"
    ]
    assert results == ["0.75"]


def test_runs_made_together_are_logged_each_on_its_own(make_run, said):
    from gpae.runs import MetricsWriter

    runs = [make_run("wandb", name=f"seed{seed}", seed=seed) for seed in (0, 1)]
    writers = [MetricsWriter(run, None, said.append) for run in runs]
    for update in (1, 2):
        for seed, writer in enumerate(writers):
            writer.write({"update": update, "env_steps": 10 * update, "loss": float(seed)})
    for writer in writers:
        writer.close()
    for seed, run in enumerate(runs):
        assert logged(run, "loss") == [(10, float(seed)), (20, float(seed))]
    assert len({(run.path / "wandb_id.txt").read_text() for run in runs}) == 2
    assert said == []


@pytest.mark.parametrize("known", [False, True])
def test_without_a_network_it_is_recorded_offline_and_says_so(
    make_run, sitting, said, monkeypatch, known
):
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    run = make_run("wandb")
    if known:
        (run.path / "wandb_id.txt").write_text("abcd1234")
    sitting(run, [1])
    (line,) = said
    assert line.startswith("note: W&B cannot be reached (<urlopen error [Errno 111] Connection ref")
    assert f"recorded offline, to be sent by `wandb sync {run.path}/wandb/offline-run-" in line
    assert logged(run, "train/win_rate") == [(100, 0.5)]
    assert not known or (run.path / "wandb_id.txt").read_text() == "abcd1234"


def test_without_a_key_it_is_recorded_offline(make_run, sitting, said, monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setenv("NETRC", str(tmp_path / "no_netrc"))
    monkeypatch.setattr("gpae.loggers.wandb.require_answer", lambda url: None)
    run = sitting(make_run("wandb"), [1])
    (line,) = said
    assert "No API key configured" in line
    assert logged(run, "train/win_rate") == [(100, 0.5)]

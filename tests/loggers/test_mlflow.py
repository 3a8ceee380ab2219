"""MLflow in a local database: metrics by env steps, parameters, status, one run in all sittings."""

import pytest

pytest.importorskip("mlflow", reason="pip install 'gpae[mlflow]' to test it")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """One database for the module, as its tables take seconds to be made."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def client(database, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    return MlflowClient(tracking_uri=database)


def history(client, run, metric):
    identity = (run.path / "mlflow_id.txt").read_text().strip()
    return [(each.step, each.value) for each in client.get_metric_history(identity, metric)]


def test_a_run_goes_on_under_its_id(client, make_run, sitting, said):
    run = sitting(make_run("mlflow", name="whole"), [1, 2, 3])
    identity = (run.path / "mlflow_id.txt").read_text()
    assert client.get_run(identity.strip()).info.status == "KILLED"
    sitting(run, [3, 4], resume=2, status="finished")
    assert (run.path / "mlflow_id.txt").read_text() == identity
    assert history(client, run, "train/win_rate") == [(100 * k, 0.5) for k in (1, 2, 3, 4)]
    assert history(client, run, "evaluation/greedy/win_rate") == [(300, 0.75), (400, 0.75)]
    assert history(client, run, "absolute/greedy/win_rate") == [(0, 0.75)]
    found = client.get_run(identity.strip())
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "whole"
    assert found.data.params["method.eta"] == "1.05"
    assert {"task": "smax/3m", "method": "gpae", "seed": "0", "tags": "first"}.items() <= (
        found.data.tags.items()
    )
    assert said == []


def test_many_metrics_are_sent_in_batches(client, make_run, sitting):
    run = sitting(make_run("mlflow", name="long"), list(range(1, 401)))
    assert len(history(client, run, "gradient_steps")) == 400


def test_an_id_that_is_not_there_is_one_line_and_off(client, make_run, sitting, said):
    run = make_run("mlflow", name="lost")
    (run.path / "mlflow_id.txt").write_text("0" * 32)
    sitting(run, [1])
    assert said == [
        f"warning: the logger mlflow has failed and is off: Run with id={'0' * 32} not found"
    ]


def test_the_database_lies_beside_the_run_by_default(tmp_path, make_run, monkeypatch):
    from gpae.loggers import LoggedRun, Mlflow

    asked = []

    class Client:
        def __init__(self, tracking_uri):
            asked.append(tracking_uri)

        def update_run(self, identity, status):
            asked.append((identity, status))

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("mlflow.MlflowClient", Client)
    run = make_run("mlflow")
    (run.path / "mlflow_id.txt").write_text("known")
    Mlflow(LoggedRun(run.path, run.config, None, print))
    assert asked == [f"sqlite:///{tmp_path / 'runs' / '.mlflow.db'}", ("known", "RUNNING")]

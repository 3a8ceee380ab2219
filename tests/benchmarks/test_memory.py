"""Memory needs of a run, against bytes counted by hand, and refusals."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import psutil
import pytest
from toy_task import AGENTS, LIMIT, PLACES

from gpae.environments import DiscreteActions
from gpae.errors import UserError
from gpae.runs import memory
from gpae.runs.free_memory import available_memory
from gpae.runs.memory import MemoryNeed, check_memory, readable, tree_bytes
from gpae.training.population import make_population

pytestmark = pytest.mark.usefixtures("compile_quickly")

ENVIRONMENTS, STEPS, HIDDEN = 16, 4, 8
FLOAT = INTEGER = 4
ACTION = 1


def need_of(learner, runs=1):
    return MemoryNeed(make_population(learner, 1, 0, 1), runs)


@pytest.mark.parametrize(("length", "mode"), [(1, "constant_batch"), (2, "growing_batch")])
def test_the_window_is_what_its_arrays_are(learner, length, mode):
    need = need_of(learner("method=mappo", f"window.length={length}", f"window.mode={mode}"))
    seen = AGENTS * (PLACES + 1) * FLOAT + (PLACES + 1) * FLOAT + AGENTS * PLACES + AGENTS
    step = seen + 1 + AGENTS * (ACTION + FLOAT) + FLOAT + 2 + AGENTS
    truncations = -(-STEPS // LIMIT) * (seen + INTEGER)
    hidden_states = 2 * AGENTS * HIDDEN * FLOAT
    assert need.experience_name == "window"
    kept = ENVIRONMENTS // (length if mode == "constant_batch" else 1)
    assert need.experience == length * (kept * (STEPS * step + truncations + hidden_states) + 1)


@pytest.mark.slow
def test_the_state_is_what_a_run_begins_with(learner):
    made = learner("method=gpae", "window.length=2")
    need = need_of(made)
    state = jax.jit(made.initial_state)(jnp.uint32(0))
    assert need.state == sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    assert need.experience == sum(leaf.nbytes for leaf in jax.tree.leaves(state.window))
    assert need.experience < need.state


def test_a_growing_window_needs_more_and_a_shared_one_no_more(learner):
    def kept(length, mode):
        made = learner("method=gpae", f"window.length={length}", f"window.mode={mode}")
        return need_of(made).experience

    assert kept(4, "growing_batch") == pytest.approx(4 * kept(1, "growing_batch"), rel=0.01)
    assert kept(4, "constant_batch") == pytest.approx(kept(1, "constant_batch"), rel=0.01)


def test_the_batch_holds_hidden_states_before_every_step(learner):
    need = need_of(learner("method=gpae", "window.length=1"))
    hidden_states = ENVIRONMENTS * STEPS * 2 * AGENTS * HIDDEN * FLOAT
    assert hidden_states < need.batch < 4 * hidden_states


def test_runs_made_together_need_as_much_each(learner):
    made = learner("method=gpae", "window.length=1")
    one, three = need_of(made), need_of(made, runs=3)
    assert three.experience == 3 * one.experience
    assert three.state == 3 * one.state
    assert three.batch == 3 * one.batch
    with pytest.raises(UserError, match=r"lower rollout\.environments, .*, or seeds$"):
        three.check(three.state)


@pytest.mark.parametrize(("size", "bytes_"), [(2, 1), (127, 1), (128, 4), (40_000, 4)])
def test_actions_take_a_byte_where_their_numbers_fit(size, bytes_):
    space = DiscreteActions(size)
    assert space.dtype.itemsize == bytes_
    last = jnp.asarray(size - 1, space.dtype)
    assert int(last) == size - 1
    values = jnp.arange(float(size))
    assert jnp.take_along_axis(values, last[None], axis=-1) == size - 1
    assert jax.nn.one_hot(last, size).argmax() == size - 1


def test_q_learning_keeps_a_buffer(learner):
    need = need_of(learner("method=vdn"))
    assert need.experience_name == "buffer"
    assert 0 < need.experience < need.state
    assert need.batch == 0


def test_a_run_that_cannot_fit_is_refused_in_one_line(learner):
    need = need_of(learner("method=gpae", "window.length=2"))
    need.check(None)
    need.check(need.state + need.batch)
    for available in (need.state + need.batch - 1, need.state - 1):
        with pytest.raises(UserError, match=r"at least .* of memory") as caught:
            need.check(available)
        assert "for the window, and" in str(caught.value)
        remedies = str(caught.value).partition("lower ")[2]
        assert remedies == (
            "rollout.environments, rollout.steps, window.length or network.hidden_size"
        )
        assert "\n" not in str(caught.value)


def test_the_line_before_training(learner, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2**34)
    made = learner("method=gpae", "window.length=2")
    need = need_of(made)
    assert check_memory(make_population(made, 1, 0, 1)) == (
        f"memory: window {readable(need.experience)}, whole state {readable(need.state)} "
        "of 16.0 GiB available"
    )


def test_typed_keys_count_as_their_data():
    assert tree_bytes({"key": jax.random.key(0), "steps": jnp.zeros((3, 2), bool)}) == 8 + 6


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (57_880_000, "55.2 MiB"),
        (5 * 2**50, "5120.0 TiB"),
    ],
)
def test_bytes_are_said_in_the_unit_that_suits_them(count, text):
    assert readable(count) == text


@pytest.fixture
def free_in_machine(monkeypatch):
    """The machine's free memory, as psutil tells it."""
    told = SimpleNamespace(available=600 * 1024)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: told)
    return told.available


@pytest.fixture
def machine(tmp_path, free_in_machine):
    """A made-up machine: files by path."""

    def make(**files):
        for path, text in files.items():
            file = tmp_path / path.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path

    return make


def test_without_control_groups_the_machine_has_what_it_has(machine, free_in_machine):
    assert available_memory(machine(proc__meminfo="")) == free_in_machine


def test_the_tightest_control_group_counts(machine):
    root = machine(proc__self__cgroup="0::/outer/inner\n")
    for group, limit in (("outer/inner", "max"), ("outer", "300000")):
        folder = root / "sys/fs/cgroup" / group
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text("200000\n")
        (folder / "memory.stat").write_text("anon 150000\ninactive_file 50000\n")
    assert available_memory(root) == 300_000 - 200_000 + 50_000


def test_control_groups_of_the_first_version(machine):
    root = machine(proc__self__cgroup="5:cpu:/other\n4:memory:/job\n0::/\n")
    folder = root / "sys/fs/cgroup/memory/job"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text("400000")
    (folder / "memory.usage_in_bytes").write_text("500000")
    assert available_memory(root) == 0


@pytest.mark.parametrize("told", ["nonsense", "0::/absent\n", ""])
def test_control_groups_that_cannot_be_read_count_for_nothing(machine, free_in_machine, told):
    assert available_memory(machine(proc__self__cgroup=told)) == free_in_machine


@pytest.mark.parametrize(("limit", "left"), [("9223372036854771712", 600 * 1024), ("100", 60)])
def test_a_group_without_a_limit_of_its_own_has_what_the_machine_has(machine, limit, left):
    root = machine(proc__self__cgroup="0::/\n")
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/memory.max").write_text(limit)
    (root / "sys/fs/cgroup/memory.current").write_text("40")
    assert available_memory(root) == left

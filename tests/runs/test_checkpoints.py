import errno
import logging
import os
import resource
import shutil
import threading
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import struct

from gpae.errors import UserError
from gpae.runs import Checkpoints
from gpae.runs.manifests import Manifest


class Counters(NamedTuple):
    update: jax.Array
    env_steps: np.ndarray


@struct.dataclass
class State:
    params: dict[str, Any]
    optimiser: Any
    counters: Counters
    key: jax.Array
    legacy_key: jax.Array
    window: list[Any]
    best: float
    episodes: int


def make_state(seed: int = 0) -> State:
    params = {
        "Dense_0": {"kernel": jax.random.normal(jax.random.key(seed), (3, 5))},
        "bias": jnp.array([0.1, -0.0, jnp.nan, jnp.inf, 1e-42], jnp.float32),
    }
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3)).init(params)
    return State(
        params=params,
        optimiser=optimiser,
        counters=Counters(jnp.int32(seed), np.array(2**40 + seed, np.int64)),
        key=jax.random.split(jax.random.key(seed), 3),
        legacy_key=jax.random.PRNGKey(seed),
        window=[
            np.array([True, False]),
            np.arange(4, dtype=np.uint8).reshape(2, 2),
            jnp.ones((2, 1), jnp.bfloat16) / 3,
            np.zeros((0, 7), np.float32),
            np.array(0.1, np.float64),
            None,
        ],
        best=0.1,
        episodes=seed,
    )


def bits(tree: Any) -> list[tuple[str, tuple[int, ...], bytes]]:
    found = []
    for leaf in jax.tree.leaves(tree):
        if hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        array = np.asarray(leaf)
        found.append((str(array.dtype), array.shape, array.tobytes()))
    return found


def data_files(checkpoints: Checkpoints, step: int) -> list[Path]:
    manifest = Manifest.read(checkpoints.folder / f"{step:012d}.json")
    folder = checkpoints.folder / manifest.folder
    return sorted((folder / name for name in manifest.sizes), key=lambda file: file.stat().st_size)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "run" / "checkpoints")


def test_everything_returns_bit_for_bit(checkpoints: Checkpoints) -> None:
    state = make_state(3)
    checkpoints.save(7, state)
    restored = checkpoints.restore(make_state(4))
    assert bits(restored) == bits(state)
    assert jax.tree.structure(restored) == jax.tree.structure(state)
    assert isinstance(restored.optimiser[1][0], optax.ScaleByAdamState)
    assert isinstance(restored.params["bias"], np.ndarray)
    assert isinstance(restored.episodes, int)
    assert restored.key.dtype == state.key.dtype


def test_a_template_of_shapes_is_enough(checkpoints: Checkpoints) -> None:
    state = {"w": jnp.arange(6.0).reshape(2, 3), "n": jnp.int32(5)}
    checkpoints.save(1, state)
    template = jax.eval_shape(lambda: state)
    assert bits(checkpoints.restore(template)) == bits(state)


def test_a_restored_optimiser_takes_the_same_next_step(checkpoints: Checkpoints) -> None:
    optimiser = optax.adam(1e-2)
    params = {"w": jnp.linspace(-1.0, 1.0, 9)}
    gradient = jax.grad(lambda p: jnp.sum(p["w"] ** 4))

    @jax.jit
    def step(params: Any, moments: Any) -> Any:
        updates, moments = optimiser.update(gradient(params), moments, params)
        return optax.apply_updates(params, updates), moments

    moments = optimiser.init(params)
    for _ in range(3):
        params, moments = step(params, moments)
    checkpoints.save(3, (params, moments))
    resumed = jax.device_put(checkpoints.restore((params, moments)))
    straight = (params, moments)
    for _ in range(3):
        straight, resumed = step(*straight), step(*resumed)
    assert bits(straight) == bits(resumed)


def test_the_newest_are_kept(checkpoints: Checkpoints) -> None:
    assert checkpoints.steps() == []
    assert checkpoints.latest() is None
    for step in (1, 5, 9):
        checkpoints.save(step, {"n": np.int32(step)})
    assert checkpoints.steps() == [5, 9]
    assert checkpoints.latest() == 9
    assert len(list(checkpoints.folder.iterdir())) == 4
    assert checkpoints.restore({"n": np.int32(0)})["n"] == 9
    assert checkpoints.restore({"n": np.int32(0)}, step=5)["n"] == 5


def test_saving_a_step_again_replaces_it(checkpoints: Checkpoints) -> None:
    checkpoints.save(3, {"n": np.int32(1)})
    checkpoints.save(3, {"n": np.int32(2)})
    assert checkpoints.steps() == [3]
    assert checkpoints.restore({"n": np.int32(0)})["n"] == 2
    assert len(list(checkpoints.folder.iterdir())) == 2


def test_a_failing_replacement_leaves_what_it_was_to_replace(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(3, {"n": np.int32(1)})

    def full(self: Manifest, path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "write", full)
        with pytest.raises(UserError, match="No space left on device"):
            checkpoints.save(3, {"n": np.int32(2)})
    assert checkpoints.restore({"n": np.int32(0)})["n"] == 1
    assert len(list(checkpoints.folder.iterdir())) == 2


def test_saving_prints_nothing_and_leaves_no_thread_of_its_own(
    checkpoints: Checkpoints,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    tree = {"n": np.int32(1)}
    checkpoints.save(1, tree)
    before = set(threading.enumerate())
    checkpoints.save(2, tree)
    checkpoints.restore(tree)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10.0)  # one that is on its way out is none that is left
        assert not thread.is_alive(), thread.name
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_going_back_leaves_later_checkpoints_until_a_new_one_is_complete(
    checkpoints: Checkpoints,
) -> None:
    checkpoints.save(10, {"n": np.int32(10)})
    checkpoints.save(20, {"n": np.int32(20)})
    data_files(checkpoints, 20)[-1].write_bytes(b"short")
    checkpoints.restore({"n": np.int32(0)}, step=10)
    assert checkpoints.steps() == [10, 20]
    checkpoints.save(15, {"n": np.int32(15)})
    assert checkpoints.steps() == [10, 15]
    assert checkpoints.restore({"n": np.int32(0)})["n"] == 15


def test_going_back_can_give_up_later_checkpoints_at_once(checkpoints: Checkpoints) -> None:
    checkpoints.discard_after(0)
    assert not checkpoints.folder.exists()
    for step in (10, 20):
        checkpoints.save(step, {"n": np.int32(step)})
    checkpoints.discard_after(10)
    assert checkpoints.steps() == [10]
    assert len(list(checkpoints.folder.iterdir())) == 2
    assert checkpoints.restore({"n": np.int32(0)})["n"] == 10


def test_what_is_not_a_checkpoint_is_never_removed(checkpoints: Checkpoints) -> None:
    checkpoints.folder.mkdir(parents=True)
    (checkpoints.folder / "notes.txt").write_text("mine")
    for step in (1, 2, 3):
        checkpoints.save(step, {"n": np.int32(step)})
    assert (checkpoints.folder / "notes.txt").read_text() == "mine"


def cut_short(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def remove(file: Path) -> None:
    file.unlink()


def flip_a_bit(file: Path) -> None:
    contents = bytearray(file.read_bytes())
    contents[len(contents) // 2] ^= 1
    file.write_bytes(contents)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(cut_short, r"has \d+ bytes instead of \d+"), (remove, "is missing"), (flip_a_bit, "changed")],
)
def test_damage_is_found_and_the_last_good_checkpoint_named(
    checkpoints: Checkpoints, damage: Any, reason: str
) -> None:
    template = {"w": np.random.default_rng(0).standard_normal(1000)}
    for step in (100, 200):
        checkpoints.save(step, template)
    damage(data_files(checkpoints, 200)[-1])
    with pytest.raises(UserError, match=reason) as refusal:
        checkpoints.restore(template)
    message = str(refusal.value)
    run = checkpoints.folder.parent
    assert message.startswith(f"checkpoint 200 of {run} is damaged: 000000000200/")
    assert message.endswith(f"`gpae resume {run} --checkpoint 100`")
    assert "\n" not in message
    assert checkpoints.steps() == [100, 200]
    assert bits(checkpoints.restore(template, step=100)) == bits(template)


def test_a_damaged_earlier_checkpoint_is_not_recommended(checkpoints: Checkpoints) -> None:
    for step in (1, 2):
        checkpoints.save(step, {"n": np.int32(step)})
        cut_short(data_files(checkpoints, step)[-1])
    with pytest.raises(UserError, match="no earlier one is left"):
        checkpoints.restore({"n": np.int32(0)})


@pytest.mark.parametrize("contents", ["", '{"step": 2', "[]", '{"step": 2, "other": 1}'])
def test_a_damaged_manifest_is_one_line(checkpoints: Checkpoints, contents: str) -> None:
    for step in (1, 2):
        checkpoints.save(step, {"n": np.int32(step)})
    (checkpoints.folder / "000000000002.json").write_text(contents)
    with pytest.raises(UserError, match=r"000000000002\.json is not a manifest; .*--checkpoint 1"):
        checkpoints.restore({"n": np.int32(0)})


def test_data_without_a_manifest_is_no_checkpoint(checkpoints: Checkpoints) -> None:
    for step in (1, 2):
        checkpoints.save(step, {"n": np.int32(step)})
    (checkpoints.folder / "000000000002.json").unlink()
    assert checkpoints.steps() == [1]
    assert checkpoints.restore({"n": np.int32(0)})["n"] == 1
    checkpoints.save(3, {"n": np.int32(3)})
    assert not list(checkpoints.folder.glob("000000000002*"))


def test_an_absent_checkpoint_is_named(checkpoints: Checkpoints) -> None:
    with pytest.raises(UserError, match="has no complete checkpoint"):
        checkpoints.restore({"n": np.int32(0)})
    checkpoints.save(4, {"n": np.int32(4)})
    with pytest.raises(UserError, match="has no checkpoint 5, only 4"):
        checkpoints.restore({"n": np.int32(0)}, step=5)


@pytest.mark.parametrize(
    ("template", "difference"),
    [
        (
            {"a": {"w": np.zeros((2, 4), np.float32)}},
            r"a/w is float32\[2,3\], expected float32\[2,4\]",
        ),
        ({"a": {"w": np.zeros((2, 3), np.int32)}}, r"a/w is float32\[2,3\], expected int32\[2,3\]"),
        ({"a": {"v": np.zeros((2, 3), np.float32)}}, r"a/v is absent, .* \(and 1 more\)"),
        ({"a": {}}, r"a/w is float32\[2,3\], expected none"),
    ],
)
def test_another_architecture_is_refused(
    checkpoints: Checkpoints, template: Any, difference: str
) -> None:
    checkpoints.save(1, {"a": {"w": np.zeros((2, 3), np.float32)}})
    with pytest.raises(UserError, match=f"does not fit this configuration: {difference}"):
        checkpoints.restore(template)


def test_a_full_disk_leaves_the_previous_checkpoint(
    checkpoints: Checkpoints, capfd: pytest.CaptureFixture[str]
) -> None:
    good = {"w": np.zeros(3, np.float32)}
    checkpoints.save(1, good)
    before = sorted(checkpoints.folder.rglob("*"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"cannot write checkpoint 2 to .*: File too large"):
            checkpoints.save(2, {"w": np.random.default_rng(0).standard_normal(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(checkpoints.folder.rglob("*")) == before
    assert bits(checkpoints.restore(good)) == bits(good)
    assert "Traceback" not in capfd.readouterr().err


def test_a_file_in_place_of_the_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("")
    with pytest.raises(UserError, match=r"cannot write checkpoint 1 to .*: File exists"):
        Checkpoints(tmp_path / "checkpoints").save(1, {"n": np.int32(1)})


def test_an_interrupted_save_leaves_the_previous_checkpoint(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.save(1, {"n": np.int32(1)})

    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Manifest, "of_folder", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(2, {"n": np.int32(2)})
    assert checkpoints.steps() == [1]
    assert len(list(checkpoints.folder.iterdir())) == 2


def test_what_reads_back_differently_is_never_complete(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gpae.runs.checkpoints as module

    checkpoints.save(1, {"n": np.int32(1)})
    monkeypatch.setattr(module, "_read_arrays", lambda *_: {"n": np.int32(7)})
    with pytest.raises(UserError, match="n reads back differently"):
        checkpoints.save(2, {"n": np.int32(2)})
    assert checkpoints.steps() == [1]


def test_old_checkpoints_outlive_a_failing_manifest(
    checkpoints: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2):
        checkpoints.save(step, {"n": np.int32(step)})

    def full(self: Path, target: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(UserError, match="No space left on device"):
            checkpoints.save(3, {"n": np.int32(3)})
    assert checkpoints.steps() == [1, 2]
    assert checkpoints.restore({"n": np.int32(0)})["n"] == 2


def test_a_moved_run_still_restores(checkpoints: Checkpoints, tmp_path: Path) -> None:
    checkpoints.save(1, {"n": np.int32(1)})
    shutil.move(tmp_path / "run", tmp_path / "archive")
    moved = Checkpoints(tmp_path / "archive" / "checkpoints")
    assert moved.restore({"n": np.int32(0)})["n"] == 1


@pytest.mark.parametrize("leaf", ["text", np.array(["text"]), object()])
def test_only_arrays_and_numbers_can_be_saved(checkpoints: Checkpoints, leaf: Any) -> None:
    with pytest.raises(TypeError, match="settings/x is a"):
        checkpoints.save(1, {"settings": {"x": leaf}})
    assert not checkpoints.folder.exists()


def test_names_that_collide_are_refused(checkpoints: Checkpoints) -> None:
    with pytest.raises(ValueError, match="two leaves of the tree are named a/b"):
        checkpoints.save(1, {"a": {"b": np.int32(1)}, "a/b": np.int32(2)})


def test_keep_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="keep must be at least 1, found 0"):
        Checkpoints(tmp_path, keep=0)

"""A policy as two files that other programs read, and the critics beside it in a third."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from gpae import __version__
from gpae.errors import UserError
from gpae.runs.files import disk_errors, write_atomically
from gpae.runs.policy_spec import PolicySpec
from gpae.runs.trees import described, described_template, named_arrays, rebuilt, require_fit

PARAMETERS = "policy.safetensors"
DESCRIPTION = "policy.json"
CRITICS = "critics.safetensors"


def export_policy(spec: PolicySpec, params: Any, update: int, folder: Path) -> tuple[Path, Path]:
    """Write a policy's parameters and description into a folder, made where it does not exist.

    Args:
        spec: The description.
        params: The parameters, float32.
        update: Number of the run's updates after which they were such.
        folder: The folder, which holds neither file yet.

    Returns:
        The paths of the parameters, float32 by name, and of the description.

    Raises:
        UserError: One of the files exists, and nothing was changed; or the disk refused.
    """
    written = folder / PARAMETERS, folder / DESCRIPTION
    described_policy = spec.as_json() | {"update": update, "gpae": __version__}
    with disk_errors(f"write to {folder}"):
        for path in written:
            if path.exists():
                raise UserError(f"{path} exists already: choose another folder")
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(written[0], _as_bytes(params))
        write_atomically(written[1], (json.dumps(described_policy, indent=2) + "\n").encode())
    return written


def is_export(folder: Path) -> bool:
    """True for a folder with an exported policy."""
    return (folder / PARAMETERS).is_file() and (folder / DESCRIPTION).is_file()


def refuse_choice(folder: Path, best: bool, checkpoint: int | None) -> None:
    """Refuse to choose among an export's parameters.

    Raises:
        UserError: The best ones or those of a checkpoint are asked for.
    """
    if best or checkpoint is not None:
        raise UserError(f"{folder} is an exported policy: it has one set of parameters alone")


def exported_params(folder: Path) -> tuple[PolicySpec, Any, int]:
    """Read an exported policy: its description, parameters and update.

    Raises:
        UserError: A file cannot be read or is damaged, or the parameters do not fit.
    """
    spec = PolicySpec.read(folder / DESCRIPTION)
    shapes = spec.params_shapes(spec.policy_network())
    return spec, _read_params(folder / PARAMETERS, shapes), _exported_update(folder)


def write_critics(params: Mapping[str, Any], folder: Path) -> Path:
    """Write the parameters of all networks but the policy's beside an exported policy.

    Args:
        params: The parameters by network.
        folder: The folder of the export.

    Raises:
        UserError: The disk refused.
    """
    path = folder / CRITICS
    with disk_errors(f"write to {folder}"):
        write_atomically(path, _as_bytes(_without_actor(params)))
    return path


def exported_networks(folder: Path, shapes: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """Read the parameters of all networks of an export that has its critics, and their update.

    Args:
        folder: The folder.
        shapes: Shapes and types of the parameters, by network.

    Raises:
        UserError: A file cannot be read, is damaged, or does not fit.
    """
    actor = _read_params(folder / PARAMETERS, shapes["actor"])
    critics = _read_params(folder / CRITICS, _without_actor(shapes))
    return {"actor": actor, **critics}, _exported_update(folder)


def _without_actor(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in params.items() if name != "actor"}


def _as_bytes(params: Any) -> bytes:
    arrays = named_arrays(params)
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _read_params(path: Path, shapes: Any) -> Any:
    """A tree of parameters from a file of safetensors, checked against its shapes."""
    with disk_errors(f"read {path}"):
        contents = path.read_bytes()
    try:
        arrays = load(contents)
    except (SafetensorError, ValueError) as error:
        raise UserError(f"{path} is damaged: it is no safetensors file") from error
    require_fit(described(arrays), described_template(shapes), str(path))
    return rebuilt(shapes, arrays)


def _exported_update(folder: Path) -> int:
    path = folder / DESCRIPTION
    with disk_errors(f"read {path}"):
        contents = path.read_bytes()
    try:
        return int(json.loads(contents)["update"])
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is damaged: it names no update") from error

"""A policy as two files that other programs read: safetensors, and its description in JSON."""

import json
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
    arrays = {name: np.ascontiguousarray(array) for name, array in named_arrays(params).items()}
    described_policy = spec.as_json() | {"update": update, "gpae": __version__}
    with disk_errors(f"write to {folder}"):
        for path in written:
            if path.exists():
                raise UserError(f"{path} exists already: choose another folder")
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(written[0], save(arrays))
        write_atomically(written[1], (json.dumps(described_policy, indent=2) + "\n").encode())
    return written


def is_export(folder: Path) -> bool:
    """True for a folder with an exported policy."""
    return (folder / PARAMETERS).is_file() and (folder / DESCRIPTION).is_file()


def exported_params(folder: Path) -> tuple[PolicySpec, Any, int]:
    """Read an exported policy: its description, parameters and update.

    Raises:
        UserError: A file cannot be read or is damaged, or the parameters do not fit.
    """
    spec = PolicySpec.read(folder / DESCRIPTION)
    path = folder / PARAMETERS
    with disk_errors(f"read {folder}"):
        contents, description = path.read_bytes(), (folder / DESCRIPTION).read_bytes()
    try:
        arrays = load(contents)
    except (SafetensorError, ValueError) as error:
        raise UserError(f"{path} is damaged: it is no safetensors file") from error
    shapes = spec.params_shapes(spec.policy_network())
    require_fit(described(arrays), described_template(shapes), str(path))
    return spec, rebuilt(shapes, arrays), int(json.loads(description)["update"])

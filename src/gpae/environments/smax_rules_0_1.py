"""SMAX with the rules of JaxMARL 0.1, which the paper and earlier publications used.

Importing this module imports JaxMARL's SMAX. Changes of JaxMARL 0.2 that are undone here:

- dead units no longer collide with others or are pushed away;
- dead units no longer walk. Dead allies can only stop, but the scripted enemies' policy keeps
  moving its dead units: they observe nothing, take their position for the map's corner, and head
  for their target;
- observations hold a weapon's cooldown as a fraction of the unit's full one, clipped to [0, 1], and
  the last shot's action index as a fraction of the largest; both were not normalised before.

Not undone: with more enemies than allies of random unit types, JaxMARL 0.2 draws no type for the
surplus enemies. No map in JaxMARL's registry is of that sort.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from gpae.environments.quiet_import import import_alone

_smax: Any = import_alone("jaxmarl.environments.smax")

_compiled = partial(jax.jit, static_argnums=(0,))
"""Decorator that JaxMARL has on the methods that are overridden here."""

_LAST_TARGETED, _COOLDOWN, _OWN_COOLDOWN = 5, 6, 3
"""Indices into the features of an observed unit (the first two) and of the unit itself."""


class EarlierSmax(_smax.SMAX):
    """SMAX with actions for both sides; units are the allies, then the enemies."""

    def _push_units_away(self, state: Any, firmness: float = 1.0) -> Any:
        """Resolve collisions among all units, dead or alive."""
        everyone = state.replace(unit_alive=jnp.ones_like(state.unit_alive))
        return super()._push_units_away(everyone, firmness).replace(unit_alive=state.unit_alive)

    @_compiled
    def _world_step(
        self, key: PRNGKeyArray, state: Any, actions: tuple[Float[Array, "U 2"], Int[Array, " U"]]
    ) -> Any:
        """Move and shoot; the dead move as well."""
        successor = super()._world_step(key, state, actions)
        velocities = self.unit_type_velocities[state.unit_types][:, None]
        walked = state.unit_positions + actions[0] * velocities * self.time_per_step
        walked = jnp.clip(walked, 0.0, jnp.array([self.map_width, self.map_height]))
        alive: Bool[Array, "U 1"] = state.unit_alive[:, None]
        return successor.replace(unit_positions=jnp.where(alive, successor.unit_positions, walked))

    @_compiled
    def _observe_features(
        self, state: Any, i: Int[Array, ""], j_idx: Int[Array, ""]
    ) -> Float[Array, " F"]:
        """Features of unit j in the observation of unit i."""
        features = super()._observe_features(state, i, j_idx)
        same_side = (i < self.num_allies) == (j_idx < self.num_allies)
        shown = same_side | self.see_enemy_actions
        last_targeted = jnp.where(shown, state.prev_attack_actions[j_idx], 0)
        features = features.at[_LAST_TARGETED].set(last_targeted)
        return features.at[_COOLDOWN].set(state.unit_weapon_cooldowns[j_idx])

    @_compiled
    def _get_own_features(self, state: Any, i: Int[Array, ""]) -> Float[Array, " F"]:
        """Features of unit i in its own observation."""
        cooldown = jnp.where(state.unit_alive[i], state.unit_weapon_cooldowns[i], 0.0)
        return super()._get_own_features(state, i).at[_OWN_COOLDOWN].set(cooldown)


class EarlierHeuristicEnemySmax(_smax.HeuristicEnemySMAX):
    """:class:`EarlierSmax` with actions for the allies; JaxMARL's heuristic plays the enemies."""

    def __init__(
        self, enemy_shoots: bool = True, attack_mode: str = "closest", **settings: Any
    ) -> None:
        super().__init__(enemy_shoots, attack_mode, **settings)
        self._env = EarlierSmax(**settings)

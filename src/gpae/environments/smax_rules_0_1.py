"""SMAX by the rules of JaxMARL 0.1, which the paper and earlier publications used.

Importing this module imports JaxMARL's SMAX. What JaxMARL 0.2 changed, and is undone here:

- dead units no longer collide with others or are pushed away;
- dead units no longer walk. Allies can only stop once dead, but the scripted enemies' policy sends
  its dead on: they see nothing, believe themselves in the corner, and head for their target;
- observations show a weapon's cooldown as a share of the unit's full one, clipped to [0, 1], and
  the last shot's action number as a share of the largest; before, both were shown as they are.

Not undone: with more enemies than allies of randomly drawn kinds, JaxMARL 0.2 gives the surplus
enemies no drawn kind. No map that JaxMARL registers is of that sort.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from gpae.environments.quiet_import import import_alone

_smax: Any = import_alone("jaxmarl.environments.smax")

_compiled = partial(jax.jit, static_argnums=(0,))
"""As JaxMARL compiles the methods that these replace."""

_LAST_TARGETED, _COOLDOWN, _OWN_COOLDOWN = 5, 6, 3
"""Where the features stand among those of an observed unit, and among a unit's own."""


class EarlierSmax(_smax.SMAX):
    """The game, both sides commanded from outside; units are the allies, then the enemies."""

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
        """What unit i sees of unit j."""
        features = super()._observe_features(state, i, j_idx)
        same_side = (i < self.num_allies) == (j_idx < self.num_allies)
        shown = same_side | self.see_enemy_actions
        last_targeted = jnp.where(shown, state.prev_attack_actions[j_idx], 0)
        features = features.at[_LAST_TARGETED].set(last_targeted)
        return features.at[_COOLDOWN].set(state.unit_weapon_cooldowns[j_idx])

    @_compiled
    def _get_own_features(self, state: Any, i: Int[Array, ""]) -> Float[Array, " F"]:
        """What unit i sees of itself."""
        cooldown = jnp.where(state.unit_alive[i], state.unit_weapon_cooldowns[i], 0.0)
        return super()._get_own_features(state, i).at[_OWN_COOLDOWN].set(cooldown)


class EarlierHeuristicEnemySmax(_smax.HeuristicEnemySMAX):
    """The allies' side of :class:`EarlierSmax`; JaxMARL's heuristic plays the enemies, as ever."""

    def __init__(
        self, enemy_shoots: bool = True, attack_mode: str = "closest", **settings: Any
    ) -> None:
        super().__init__(enemy_shoots, attack_mode, **settings)
        self._env = EarlierSmax(**settings)

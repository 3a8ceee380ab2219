"""Whole episodes of a run's policy, every step of them kept, and their pictures."""

from gpae.episodes.recording import Episode, choose_episode, record_episodes
from gpae.episodes.run import RecordedEpisodes, record_run
from gpae.episodes.scene import Pictures, Scene, require_scene, scene_of

__all__ = [
    "Episode",
    "Pictures",
    "RecordedEpisodes",
    "Scene",
    "choose_episode",
    "record_episodes",
    "record_run",
    "require_scene",
    "scene_of",
]

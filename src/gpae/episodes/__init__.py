"""Whole episodes of a run's policy, every step of them kept, and their pictures."""

from gpae.episodes.recording import Episode, choose_episode, record_episodes
from gpae.episodes.run import RecordedEpisodes, record_run

__all__ = [
    "Episode",
    "RecordedEpisodes",
    "choose_episode",
    "record_episodes",
    "record_run",
]

"""Q-learning from replayed trajectories: one learner, the mixer is what varies (VDN, QMIX)."""

from gpae.training.q_learning.learner import QLearner, make_q_learner

__all__ = ["QLearner", "make_q_learner"]

"""Q-learning from replayed trajectories: one learner for every mixer (VDN, QMIX)."""

from gpae.training.q_learning.learner import QLearner, make_q_learner

__all__ = ["QLearner", "make_q_learner"]

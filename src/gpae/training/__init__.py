"""Rollouts, the replay window, the policy-gradient learner and evaluation, as pure functions."""

"""Per-agent advantage estimation for cooperative multi-agent policy optimisation.

The estimators are in :mod:`gpae.estimators`, the exact finite games in :mod:`gpae.exact`; the
command line is ``gpae``. Importing this package imports neither JAX nor any environment.
"""

__version__ = "0.1.0"

"""Search for good values of settings, by Optuna, on seeds that final runs do not use."""

"""Candidate-patient classifiers on runs: patients for training, scores into the run, local validation."""

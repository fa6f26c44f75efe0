"""Notes in, calibrated patient scores out: candidate-patient classifiers."""

"""Readers of claims and structured records in the forms they come in, all into one relation of coded facts."""

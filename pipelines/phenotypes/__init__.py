"""Phenotype definitions: who has a condition, told from notes and claims by rules that a person can read and check."""

"""Corpora in, tables out: readers, runs that resume, events, features, claims, the command line."""

"""What a run found, told in roll-ups: one web page, with small cells suppressed."""

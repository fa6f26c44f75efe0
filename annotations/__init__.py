"""People and mentions: inline mark-up, formats, review, agreement."""

"""Tables of the model card: which fields it has, and where the answer to each comes from."""

"""A video or picture file that is lawfully at hand: what it is, and what it is recognised by."""

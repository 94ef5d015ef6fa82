"""What checks say, as patterns."""

CYCLE = "a cycle of [0-9]+ transactions"
FEWER = "commits are there, of [0-9]+ that must be"
NO_PREFIX = "what is there is no prefix of the history"
MISSING_FILE = "the file is missing, though the manifest names it"

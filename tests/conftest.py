"""Settings that every test shares."""

from hypothesis import settings

# A slow machine is not a failure; a failure prints what it takes to repeat it.
settings.register_profile("lsmsql", deadline=None, print_blob=True)
settings.load_profile("lsmsql")

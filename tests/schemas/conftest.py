"""How properties are tested here: without time limits, so that a busy machine fails nothing."""

from hypothesis import settings

settings.register_profile("laurel", deadline=None)
settings.load_profile("laurel")

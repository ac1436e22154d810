"""How properties are tested here: without time limits, so that a busy machine fails nothing. Logs are as in a worker."""

from hypothesis import settings

from streams import logs

logs.configure()

settings.register_profile("laurel", deadline=None)
settings.load_profile("laurel")

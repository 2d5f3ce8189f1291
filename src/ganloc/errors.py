"""The one exception that a user is meant to read."""


class UserError(Exception):
    """Something that the user can put right.

    Its message is one sentence: what was wrong, with which file or option, and what to do. The
    command line prints it without a traceback and exits with status 2.
    """

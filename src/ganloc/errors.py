"""Errors and warnings for the user."""


class UserError(Exception):
    """An error that the user can correct.

    The message is one sentence: what was wrong, with which file or option, and what to do. The
    command line prints it without a traceback and exits with status 2.
    """


class Notice(UserWarning):
    """A warning for the user, such as a list of files that could not be read.

    The command line prints it as a line.
    """


class Stopped(Exception):
    """A training was stopped by a signal, after its checkpoint and model were written.

    Attributes:
        iteration: finished iterations of the discriminator's training.
        student: whether a student was being trained. A resumed training starts the student again.
        status: exit status of a process that the signal stopped: 128 + its number.
    """

    def __init__(self, iteration: int, student: bool = False, number: int = 2):
        super().__init__(f"stopped after iteration {iteration}")
        self.iteration, self.student, self.status = iteration, student, 128 + number

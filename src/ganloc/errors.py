"""What a user is meant to read: errors, notices, and that a training was stopped."""


class UserError(Exception):
    """Something that the user can put right.

    Its message is one sentence: what was wrong, with which file or option, and what to do. The
    command line prints it without a traceback and exits with status 2.
    """


class Notice(UserWarning):
    """Something that the user should know while ganloc goes on, such as files that were left out.

    From Python it is a warning; the command line prints it as a line.
    """


class Stopped(Exception):
    """A training was told to stop; its checkpoint and model are written.

    Attributes:
        iteration: iterations of the discriminator's training that are done.
        student: the discriminator was finished and a student was learning. The student starts
            again when the training is resumed.
    """

    def __init__(self, iteration: int, student: bool = False):
        super().__init__(f"stopped after iteration {iteration}")
        self.iteration, self.student = iteration, student

"""The score: the chance that a box is right (IoU > 0.5), by the evidence for it.

Logistic regression joins the evidence. Its weights were fitted to true boxes of the development
sets (`python benchmarks/quality/scores.py`), so they are the same for every folder. Hints put the
scale right for the user's own folder.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit

from ganloc.shapes import Bool, Float

WEIGHTS = (0.29, 3.15, 2.16, 4.33)  # of each piece of evidence (evidence.py)
BIAS = -5.19
PRIOR = 1.0  # standard deviation of slope and shift of a `PlattScaling`, around 1 and 0


@dataclass(frozen=True)
class PlattScaling:
    """How the log-odds of a folder differ from the general scale.

    Attributes:
        slope: factor of the log-odds.
        shift: added to them.
    """

    slope: float = 1.0
    shift: float = 0.0

    @classmethod
    def fit(
        cls, log_odds: Float[np.ndarray, " n"], right: Bool[np.ndarray, " n"]
    ) -> "PlattScaling":
        """The scaling under which what is known of some boxes is most likely.

        Platt, Probabilistic Outputs for Support Vector Machines (1999), with a Gaussian prior
        around the general scale, so that few boxes change it little.

        Args:
            log_odds: of the boxes, on the general scale.
            right: whether IoU > 0.5.

        >>> PlattScaling.fit(np.zeros(0), np.zeros(0, bool))  # nothing is known
        PlattScaling(slope=1.0, shift=0.0)
        """
        from scipy.optimize import minimize  # it takes a while to import

        def loss(own: Float[np.ndarray, " 2"]) -> float:
            slope, shift = own
            likely = log_expit(np.where(right, 1.0, -1.0) * (slope * log_odds + shift)).sum()
            return ((slope - 1.0) ** 2 + shift**2) / (2.0 * PRIOR**2) - likely

        slope, shift = minimize(loss, (1.0, 0.0), method="BFGS").x
        return cls(round(float(slope), 6), round(float(shift), 6))

    def chances(self, log_odds: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The chance of each box, 0–1, by its log-odds on the general scale."""
        return expit(self.slope * log_odds + self.shift)


GENERAL = PlattScaling()


def log_odds(evidence: Float[np.ndarray, "n 4"]) -> Float[np.ndarray, " n"]:
    """The log-odds of each box on the general scale."""
    return evidence @ np.array(WEIGHTS) + BIAS


def chances(
    evidence: Float[np.ndarray, "n 4"], scaling: PlattScaling = GENERAL
) -> Float[np.ndarray, " n"]:
    """The chance of each box to have an IoU > 0.5 with a true box, 0–1."""
    return scaling.chances(log_odds(evidence))

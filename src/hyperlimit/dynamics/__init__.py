"""Training in infinite width: in closed form, or in function space."""

from hyperlimit.dynamics._schedule import Descent, Flow, Schedule
from hyperlimit.dynamics._training_dynamics import TrainingDynamics, training_dynamics

__all__ = ["Descent", "Flow", "Schedule", "TrainingDynamics", "training_dynamics"]

"""What columns look like: counts over all rows, and shapes judged on a sample of them."""

from normcli.profiles.profile import Kind, Profile, Shape, Wording
from normcli.profiles.shape import shape_of
from normcli.profiles.survey import Survey

__all__ = ["Kind", "Profile", "Shape", "Survey", "Wording", "shape_of"]

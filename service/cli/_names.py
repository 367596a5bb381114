"""Names that a command line may hold."""

from slotforge.service.views.names import DOMAINS, FAMILIES, check_names

__all__ = ["DOMAINS", "FAMILIES", "check_names"]

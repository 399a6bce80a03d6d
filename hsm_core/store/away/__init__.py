"""Keeps two attempts apart where a machine stays away: the leases of its workers, the fences of its attempts."""

"""Reaches machines by SSH, with paramiko or the system's own ssh."""

"""Shows how sweeps stand: phase, progress and rate, as text and as JSON."""

"""The sweeper and the launchers, as Hydra finds them."""

"""Grid Engine's launcher, where Hydra looks for it."""

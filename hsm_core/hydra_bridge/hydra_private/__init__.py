"""All that we know of Hydra's and omegaconf's insides; where a release has changed them, their public ways serve."""

"""Makes composing and starting tasks fast, exactly as Hydra would do them."""

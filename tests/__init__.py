"""What hsm promises, as tests."""

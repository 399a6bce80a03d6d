"""The parts of hsm that every launcher shares."""

"""The sub-commands of hsm, a file each; imported when they are used."""

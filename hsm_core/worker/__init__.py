"""The program that runs tasks on a node; standard library only."""

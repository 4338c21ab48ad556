"""The parts of compare.py. Standard library only: the memory of a child process is never reported
smaller than what its parent had at that time, so the parent has to stay small."""

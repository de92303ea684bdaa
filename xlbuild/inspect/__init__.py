"""What a file is, and what a guest would find in it: each kind of file described as one tree. Pure over bytes."""

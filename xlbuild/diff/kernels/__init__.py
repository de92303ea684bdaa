"""Two kernels compared: what they ask for, and their sections and symbols."""

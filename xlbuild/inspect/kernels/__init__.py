"""Kernels: taken apart, described, and judged."""

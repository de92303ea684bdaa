"""Built domains: what their guests find."""

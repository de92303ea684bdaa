"""What lies in guest memory: tables, and single addresses."""

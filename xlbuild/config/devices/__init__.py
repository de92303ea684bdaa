"""The grammars of devices: each module reads one key's elements into libxl's structure, as xl reads them."""

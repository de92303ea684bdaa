"""Save files, as `xl save` writes and `xl restore` reads them."""

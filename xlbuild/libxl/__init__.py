"""libxl's public types, as far as a configuration sets them, and the JSON that libxl makes of them.

A field stands where libxl has it, which is also its place in the JSON, and starts with libxl's default, which the
JSON leaves out. `bool | None` is libxl's defbool: None is "default". A bitmap is the tuple of its bits.
"""

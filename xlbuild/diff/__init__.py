"""Two guests, or two kernels, compared: structure first, bytes last."""

"""Double precision for every test of the step rules."""

import jax

jax.config.update("jax_enable_x64", True)

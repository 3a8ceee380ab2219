"""Two CPU devices for every test, so that what is split over devices can be tested on one machine."""

import jax

jax.config.update("jax_num_cpu_devices", 2)

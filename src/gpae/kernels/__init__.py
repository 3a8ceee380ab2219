"""Fast forms of a few operations by backend, each beside its plain reference.

A :class:`~gpae.kernels.kernel.Kernel` is called like the function that defines it. Which form
computes is decided in one place, by JAX's default backend when a program is traced: the plain one,
unless a form is registered for that backend. All forms of an operation give the same values and
gradients up to rounding, which ``tests/kernels`` checks for every entry of
:data:`~gpae.kernels.kernel.KERNELS`.

========================================  =========================================================
:mod:`gpae.kernels.products`              products with a weight matrix, sums of rows
:mod:`gpae.kernels.recurrence`            a GRU over some steps, and its gradient
:mod:`gpae.kernels.joint_actions`         a dense layer over the joint action as each agent sees it
:mod:`gpae.kernels.blocks`                a network over time, a few steps at once, rematerialised
:mod:`gpae.kernels.parts`                 the parts of a minibatch
:mod:`gpae.kernels.initialisers`          orthogonal initialisation under ``vmap``
:mod:`gpae.kernels.parameters`            Flax parameters found without tracing their initialiser
:mod:`gpae.kernels.random_bits`           the lowering of Threefry
:mod:`gpae.kernels.compiler`              options of the compiler
:mod:`gpae.kernels.factorisation`         threads of BLAS
========================================  =========================================================

Importing any of them changes nothing in the process: the lowering of Threefry is registered when
the command line asks for it, and BLAS has one thread only while a context is open.
"""

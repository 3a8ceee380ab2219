"""The choice of an operation's form by backend."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, ParamSpec, TypeVar

import jax

from gpae.registry import Registry

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Form = TypeVar("Form", bound=Callable[..., Any])


class Kernel(Generic[Arguments, Result]):
    """An operation with a plain reference and fast forms for some backends.

    Called, it runs the form for JAX's default backend, the reference where there is none.

    Attributes:
        reference: The operation as plain JAX; it defines the values and gradients of every form.
    """

    def __init__(self, reference: Callable[Arguments, Result]) -> None:
        update_wrapper(self, reference)
        self.reference = reference
        self._fast: dict[str, Callable[Arguments, Result]] = {}

    def fast(self, *backends: str) -> Callable[[Form], Form]:
        """Decorator that registers a form for backends by JAX's names, such as ``cpu``."""

        def add(form: Form) -> Form:
            self._fast.update(dict.fromkeys(backends, form))
            return form

        return add

    @property
    def backends(self) -> tuple[str, ...]:
        """The backends with a form of their own."""
        return tuple(self._fast)

    def form(self, backend: str) -> Callable[Arguments, Result]:
        """The form that computes on a backend."""
        return self._fast.get(backend, self.reference)

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        """Run the form for JAX's default backend."""
        return self.form(jax.default_backend())(*args, **kwargs)


KERNELS: Registry[Kernel] = Registry("kernel")
"""Every operation with a fast form."""


def kernel(reference: Callable[Arguments, Result]) -> Kernel[Arguments, Result]:
    """Decorator that makes a plain function the reference of a kernel in :data:`KERNELS`."""
    made = Kernel(reference)
    KERNELS.register(reference.__name__)(made)
    return made

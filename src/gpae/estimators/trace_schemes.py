"""Registry of trace schemes: the rules that turn importance ratios into trace coefficients.

Three words are kept apart. A trace *scheme* is the rule, such as ``double``. Its trace
*coefficient* c is the ratio that the rule leaves, without lambda. *Traces* are the array
``lambda * c`` that :func:`gpae.estimators.gpae` takes; the paper writes c for them.

A further scheme is a decorated function in a module of any package; once that module is imported,
the estimators, the exact lab and the methods know the name::

    from gpae.estimators import register_trace_scheme

    @register_trace_scheme("own", formula="rho^i", source="an example")
    def own_ratio(ratios, eta):
        return ratios.own
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from gpae.estimators._ratios import LogRatios, bounded_exp

Bootstrap: TypeAlias = Literal["paper", "corrected"]
"""Weight of the successor's value: 1, as printed, or the ratio that corrects it."""

BOOTSTRAPS: tuple[Bootstrap, ...] = get_args(Bootstrap)

LogCoefficients: TypeAlias = Callable[[LogRatios, Any], Any]

DEFAULT_ETA = 1.02
"""Inner truncation of the paper's release for SMAX; the paper prints 1.05, 1.056 and 1.02."""


@dataclass(frozen=True)
class TraceScheme:
    """A rule for trace coefficients.

    Attributes:
        name: Name to choose it by.
        formula: Coefficient c, lambda left out, with ``rho^i`` the agent's own ratio, ``rho^-i``
            that of the others and ``rho`` their product.
        source: Where the rule comes from; equations and sections are the paper's.
        log_coefficients: ``log c`` from the ratios' logarithms and eta. It is written for JAX and
            NumPy arrays alike, by ``ratios.own.__array_namespace__()``; its result may have any
            shape that broadcasts to that of ``ratios.own`` and ``ratios.joint`` together.
        uses_eta: Whether eta matters.
        contracts_with: Bootstraps with which the off-policy operator (Eq. 6) contracts by the
            discount factor whatever the policies, as long as ``lambda * eta <= 1``; empty where
            that is not known.
    """

    name: str
    formula: str
    source: str
    log_coefficients: LogCoefficients
    uses_eta: bool = False
    contracts_with: tuple[Bootstrap, ...] = ()

    def coefficients(self, ratios: LogRatios, eta: Any = DEFAULT_ETA) -> Any:
        """Trace coefficients c, at most e^20, of the shape that :attr:`log_coefficients` gives."""
        return bounded_exp(self.log_coefficients(ratios, eta))


_SCHEMES: dict[str, TraceScheme] = {}

TRACE_SCHEMES: Mapping[str, TraceScheme] = MappingProxyType(_SCHEMES)
"""Every registered scheme by name."""


def register_trace_scheme(
    name: str,
    *,
    formula: str,
    source: str,
    uses_eta: bool = False,
    contracts_with: tuple[Bootstrap, ...] = (),
) -> Callable[[LogCoefficients], LogCoefficients]:
    """Decorator that makes a function a trace scheme; see :class:`TraceScheme` for the arguments.

    Returns:
        A decorator that returns the function as it is.

    Raises:
        ValueError: There is a scheme of that name.
    """

    def register(log_coefficients: LogCoefficients) -> LogCoefficients:
        if name in _SCHEMES:
            raise ValueError(f"trace scheme {name!r} is registered already; choose another name")
        _SCHEMES[name] = TraceScheme(
            name, formula, source, log_coefficients, uses_eta, contracts_with
        )
        return log_coefficients

    return register


def find_trace_scheme(name: str) -> TraceScheme:
    """Scheme of that name.

    Raises:
        ValueError: There is none; the message lists those there are.
    """
    if name not in _SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(_SCHEMES)}; found {name!r}")
    return _SCHEMES[name]


def _at_most_one(log_coefficients: Any) -> Any:
    return log_coefficients.__array_namespace__().minimum(0.0, log_coefficients)


@register_trace_scheme(
    "none", formula="1", source="no correction, as on-policy (Eq. 5)", contracts_with=("paper",)
)
def _none(ratios: LogRatios, eta: Any) -> Any:
    return ratios.own.__array_namespace__().zeros_like(ratios.own)


@register_trace_scheme(
    "individual",
    formula="min(1, rho^i)",
    source="individual truncation, IT (section 4.3)",
    contracts_with=("paper",),
)
def _individual(ratios: LogRatios, eta: Any) -> Any:
    return _at_most_one(ratios.own)


@register_trace_scheme(
    "joint",
    formula="min(1, rho)",
    source="single truncation, ST (section 4.3)",
    contracts_with=("paper", "corrected"),
)
def _joint(ratios: LogRatios, eta: Any) -> Any:
    return _at_most_one(_untruncated(ratios, eta))


@register_trace_scheme(
    "double",
    formula="min(1, rho^i min(eta, rho^-i))",
    source="double truncation, DT-ISR (Eq. 8)",
    uses_eta=True,
    contracts_with=("paper", "corrected"),
)
def _double(ratios: LogRatios, eta: Any) -> Any:
    return _at_most_one(_inner(ratios, eta))


@register_trace_scheme(
    "inner",
    formula="rho^i min(eta, rho^-i)",
    source="Eq. 8 without its outer truncation; ours",
    uses_eta=True,
    contracts_with=("paper", "corrected"),
)
def _inner(ratios: LogRatios, eta: Any) -> Any:
    library = ratios.own.__array_namespace__()
    return ratios.own + library.minimum(library.log(eta), ratios.others)


@register_trace_scheme(
    "untruncated",
    formula="rho",
    source="importance sampling (section 4.3)",
    contracts_with=("corrected",),
)
def _untruncated(ratios: LogRatios, eta: Any) -> Any:
    return ratios.joint

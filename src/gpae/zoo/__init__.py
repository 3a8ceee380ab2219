"""Small trained teams that come with the package, by names such as ``zoo/smax-3m-gpae``."""

from gpae.zoo.cards import CARD, Card
from gpae.zoo.entries import cards, located, names

__all__ = ["CARD", "Card", "cards", "located", "names"]

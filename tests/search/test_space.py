"""Search spaces in words: what they hold, and one line for each that cannot be."""

import pytest

from gpae.errors import UserError
from gpae.search.space import Choice, Range, read_space


def test_words_are_spaces_or_settings_of_all_trials():
    space = read_space(
        [
            "task=smax/3m",
            "update.learning_rate=log(1e-4,1e-2)",
            "update.clip=uniform(0.1, 0.3)",
            "update.epochs=int(1,8)",
            "network.hidden_size=log_int(1.6e1,128)",
            "update.entropy_coefficient=choice(0,0.003,1e-2)",
            "+imports=[json]",
        ]
    )
    assert space.fixed == ("task=smax/3m", "+imports=[json]")
    assert space.parameters == (
        Range("update.learning_rate", 1e-4, 1e-2, logarithmic=True, whole=False),
        Range("update.clip", 0.1, 0.3, logarithmic=False, whole=False),
        Range("update.epochs", 1, 8, logarithmic=False, whole=True),
        Range("network.hidden_size", 16, 128, logarithmic=True, whole=True),
        Choice("update.entropy_coefficient", ("0", "0.003", "0.01")),
    )


def test_a_trials_overrides_are_all_words_with_its_values(space):
    words = space.overrides({"update.learning_rate": 0.001, "discount": "1"})
    assert words == ["task=smax/3m", "update.learning_rate=0.001", "discount=1"]


def test_the_examples_have_both_ends_of_ranges_and_every_choice():
    space = read_space(["update.epochs=int(1,4)", "discount=choice(0.9,0.95,0.99)"])
    assert space.examples == [
        ["update.epochs=1", "discount=0.9"],
        ["update.epochs=4", "discount=0.95"],
        ["update.epochs=1", "discount=0.99"],
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["task=smax/3m"], "there is nothing to search for: give a setting a space"),
        ([], "there is nothing to search for"),
        (["discount=log(0,1)"], "discount=log.0,1.: a logarithmic space begins above 0"),
        (["discount=log(1,1)"], "the first number must be less than the second"),
        (["discount=uniform(2,1)"], "the first number must be less than the second"),
        (["discount=uniform(0,inf)"], "the first number must be less than the second, both finite"),
        (["discount=uniform(0)"], r"uniform needs two numbers, as in uniform\(1,8\)"),
        (["discount=uniform(a,b)"], "uniform needs two numbers"),
        (["update.epochs=int(1,2.5)"], "int needs whole numbers"),
        (["update.epochs=log_int(0.5,2)"], "log_int needs whole numbers"),
        (["discount=lgo(1,2)"], r"there is no space 'lgo' \(did you mean log\?\); there are unif"),
        (["discount=choice(1)"], "choice needs two values or more"),
        (["discount=choice(1,2,1)"], "choice needs two values or more, no two of them alike"),
        (["discount=choice()"], "cannot read 'discount=choice"),
        (["discount=log(1,2)", "discount=0.5"], "discount is given twice"),
        (["discount=0.5", "discount=log(1,2)"], "discount is given twice"),
        (["discount=log(1,2)", "seed=3"], "seed=3: a search has seeds of its own, from 1000 on"),
        (["discount=log(1,2)", "seeds=3"], "seeds=3: say --seeds N"),
        (["discount=log(1,2)", "run.folder=a"], "run.folder=a: say --folder PATH"),
        (["discount=log(1,2)", "run.budget=1h"], "run.budget=1h: say --budget TIME"),
    ],
)
def test_what_cannot_be_searched_is_one_line(words, line):
    with pytest.raises(UserError, match=line) as caught:
        read_space(words)
    assert "\n" not in str(caught.value)

"""python -m train evidence: does a classifier get better by a generator's pictures?

``split`` says who sees which pictures, ``diet`` what a classifier is fed in each arm, ``judged`` trains and examines it,
``fakes`` brings the generator's pictures, ``experiment`` runs the cells and keeps them, ``statistics`` has the intervals and
the verdict, ``summary`` and ``report`` make the table, ``plot`` the picture of it.
"""
